import { count, shownPath } from "@dictlearn/command";
import { type RunReport } from "@dictlearn/report/html";
import { openMetricsLogs, type RowCursor } from "dictlearn";
import { evaluateRun } from "./evaluateRun.js";
import { harvestTo, provenanceOf } from "./keptActivations.js";
import { type Run } from "./openRun.js";
import { runSession } from "./session.js";
import { type Settings } from "./settings.js";
import { version } from "./version.js";
import { withResume } from "./withResume.js";
import { withoutNetwork } from "./withoutNetwork.js";
import { writeReport } from "./writeReport.js";

/** Fewer steps than this teach a dictionary next to nothing; after so many it is of use. */
const [fewSteps, enoughSteps] = [20, 1000];

interface PerformOptions {
  /** What this is a command of. */
  program?: string;
  signal: AbortSignal;
  note: (line: string) => void;
  quiet: boolean;
}

/** Trains, evaluates, and says where the results are: a line a dictionary on stdout. */
export async function performRun(run: Run, options: PerformOptions): Promise<void> {
  const { directory, isResumed, about, model, training } = run;
  const { settings, conduct } = about;
  const { note } = options;
  const behind = await prepare(run, options);
  if (!isResumed) {
    const aside = await directory.setAside(training.trainees);
    if (aside) note(`${shownPath(directory.path)}: there was a run; it is in ${shownPath(aside)} now`);
  }
  const metricsLogs = openMetricsLogs(conduct.log_to ?? [], directory);
  for (const trainee of training.trainees) {
    await directory.cutMetrics(trainee, training.step);
    for (const log of metricsLogs) await log.begin(trainee, training.step);
  }

  if (settings.normalize && training.step === 0) note("normalize: measuring the norm of activations over the first batches");
  const report = (state: RunReport["state"]) =>
    writeReport(directory, training, { state, parameters: { ...settings, ...conduct, engine: about.engine, version } }).catch((error: Error) => note(`report.html: not written, and training goes on: ${error.message}`));
  const session = { ...options, directory, savedStep: isResumed ? training.step : undefined, metricsLogs, about: { ...about }, bufferConfig: bufferConfigOf(settings, { D: model.width, bufferTokens: run.bufferTokens, device: about.device }), logEvery: conduct.log_every!, saveEvery: conduct.save_every!, rows: settings.rows, report };
  try {
    const { state, logs } = await runSession(training, session);
    await evaluateRun(run, { cursor: behind === undefined ? (state.buffer.json.cursor as RowCursor | null) : behind, logs, metricsLogs, note });
  } catch (error) {
    throw await withResume(error, directory);
  }
  const page = await report("done");

  const { sae_batch_size: batchSize, model_name, revision } = settings;
  if (training.step < fewSteps) note(`train: ${count(training.step)} step${training.step === 1 ? "" : "s"} of ${count(batchSize)} tokens: this dictionary has not learned; it would with --num-tokens ${enoughSteps * batchSize}, ${count(enoughSteps)} steps`);
  const [first] = training.trainees;
  if (page !== undefined) note(`look at the run: ${shownPath(page)}`);
  note(`read sentences with it: ${options.program === undefined ? "" : `${options.program} `}sparse-rep --model ${model_name}${revision === null ? "" : ` --revision ${revision}`} --site ${first.site} --dictionary ${shownPath(directory.folderOf(first))}`);
}

/**
 * What is done before the run's folder is touched: texts are found to be there, or activations that are kept are written.
 * @returns where the texts stand behind all that is kept; undefined where nothing is
 */
async function prepare({ isResumed, about, model, hub, kept, tokens, texts, harvested }: Run, options: PerformOptions): Promise<RowCursor | null | undefined> {
  const { settings, conduct, commits } = about;
  if (!isResumed && !kept?.isWhole) {
    const first = texts(null, hub); // whether there are texts is told before anything is written
    await first.next().catch(withoutNetwork);
    await first.return();
  }
  if (kept === undefined) return undefined;
  const { widths } = harvested();
  const behind = await harvestTo(kept.path, harvested, { ...options, widths, tokens, sites: settings.sites, dtype: conduct.activations_dtype, skipFirst: settings.skip_first, provenance: await provenanceOf(settings, { commits, hub }) });
  model.neox.dispose(); // training does not need the weights
  return behind;
}

/** As dictionary_learning's ActivationBuffer describes itself. */
function bufferConfigOf({ context_length, llm_batch_size, sae_batch_size }: Settings, { D, bufferTokens, device }: { D: number; bufferTokens: number; device: string }) {
  return { d_submodule: D, io: "out", n_ctxs: Math.ceil(bufferTokens / context_length), ctx_len: context_length, refresh_batch_size: llm_batch_size, out_batch_size: sae_batch_size, device };
}
