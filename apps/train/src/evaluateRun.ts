import { shownPath } from "@dictlearn/command";
import { type MetricsLog, type RowCursor, type TrainStep } from "dictlearn";
import { type Run } from "./openRun.js";
import { nameOf, summary } from "./session.js";
import { evaluateFile, unseenTexts } from "./unseen.js";

export interface EvaluateRunOptions {
  /** Where the texts stand behind the last that was harvested. */
  cursor: RowCursor | null;
  /** What the last step said. */
  logs?: TrainStep["logs"];
  metricsLogs: readonly MetricsLog[];
  note: (line: string) => void;
}

/** A line on stdout for each dictionary: where it is, how it trained, and how it does on text that training did not see, where that was asked for. */
export async function evaluateRun({ directory, about, model, training, texts }: Run, { cursor, logs, metricsLogs, note }: EvaluateRunOptions): Promise<void> {
  const { conduct: { eval_tokens: tokens }, settings: { context_length: contextLength } } = about;
  const unseen = tokens > 0 ? await unseenTexts(model, { texts: texts(cursor), cursor, tokens, contextLength }) : [];
  if (tokens > 0 && unseen.length === 0) note("eval: no text is left that training did not see, so nothing is evaluated");
  for (const [i, trainee] of training.trainees.entries()) {
    const path = `${directory.folderOf(trainee)}/ae.pt`;
    const results = [logs && summary(logs[i])];
    if (unseen.length > 0) {
      const metrics = await evaluateFile(path, { model, site: trainee.site, texts: unseen, contextLength });
      await directory.writeEvaluation(trainee, { ...metrics, hyperparameters: { n_inputs: unseen.length, context_length: contextLength } });
      for (const log of metricsLogs) await log.evaluation(trainee, training.step, metrics);
      results.push(`on unseen text L0 ${metrics.l0.toFixed(1)}, FVE ${metrics.frac_variance_explained.toFixed(3)}, loss recovered ${metrics.frac_recovered.toFixed(3)}`);
    }
    process.stdout.write(`${shownPath(path)}  ${[nameOf(trainee), ...results].filter(Boolean).join(", ")}\n`);
  }
}
