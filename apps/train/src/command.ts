import { createRequire } from "node:module";
import { CommandError, defineCommand, downloadProgress, resolvePath } from "@dictlearn/command";
import { engines } from "@dictlearn/kernels/node";
import { HubError, hubEnvironment, openHub } from "@dictlearn/hub";
import { optionName } from "@dictlearn/sae";
import { type RunReport } from "@dictlearn/report/html";
import { harvest, type Model, normFactors, openBuffer, openModel, openTexts, type RowCursor, rowKinds, RunDirectory, submoduleName, train } from "dictlearn";
import { z } from "zod";
import { chooseNames } from "./chooseNames.js";
import { commitOf } from "./commitOf.js";
import { expectMemory } from "./expectMemory.js";
import { harvestTo, hasActivations, keptActivations, provenanceOf } from "./keptActivations.js";
import { openGpuOrCpu } from "./openGpuOrCpu.js";
import { descriptions, paramNames, paramsSchema } from "./params.js";
import { count, nameOf, runSession, shown, summary } from "./session.js";
import { askedFor, expectSame, expectSensible, type Conduct, type Flags, type Settings } from "./settings.js";
import { allOptions, specOf, trainerNames, trainersWith } from "./trainers.js";
import { evaluateFile, unseenTexts } from "./unseen.js";
import { writeReport } from "./writeReport.js";

const version = createRequire(import.meta.url)("../package.json").version as string;
const described = descriptions();
const whole = z.int().min(1).optional();

const params = Object.fromEntries(paramNames.map((name) => [optionName(name), paramsSchema.shape[name].optional().describe(described[name]).meta({ placeholder: placeholderOf(name) })]));
/** `topk, batch-topk, matryoshka` */
const whose = (option: string): string => (trainersWith(option).length === trainerNames.length ? "any" : trainersWith(option).join(", "));
const options = Object.fromEntries(allOptions.map((name) => [optionName(name), z.string().optional().describe(`an option of a single --trainer: ${whose(name)}`).meta({ placeholder: "VALUE" })]));
const others = z.object({
  params: z.string().optional().describe("parameters in a file, as params.json has them; flags come before it").meta({ placeholder: "FILE" }),
  trainer: z.array(z.string()).optional().describe(`what to train: ${trainerNames.join(", ")}; with options of dictionary_learning's constructor, topk:k=32,lr=1e-4; repeat it to train several on one pass (default: standard)`).meta({ placeholder: "NAME[:KEY=VALUE,…]" }),
  features: whole.describe("features of the dictionary").meta({ placeholder: "F" }),
  expansion: z.number().positive().optional().describe("features, as a multiple of the model's width (default: 8)").meta({ placeholder: "N" }),
  site: z.array(z.string()).optional().describe("activation to train on, such as layers.3.mlp_out; repeat it for several (default: layers.<layer>.resid_post)").meta({ placeholder: "SITE" }),
  rows: z.enum(rowKinds).optional().describe("document: a text a row, cut at the context length; packed: texts end to end, every token used (default: document)"),
  skipFirst: z.int().min(0).optional().describe("leave out the first N positions of each row (default: 0)").meta({ placeholder: "N" }),
  bufferTokens: whole.describe("tokens that batches are drawn from (default: 20 batches)").meta({ placeholder: "N" }),
  normalize: z.boolean().optional().describe("train on activations of mean square norm 1; the factor is folded into what is saved"),
  textColumn: z.string().optional().describe("the data set's column of texts (default: text)").meta({ placeholder: "NAME" }),
  split: z.string().optional().describe("the data set's split (default: train)").meta({ placeholder: "NAME" }),
  revision: z.string().optional().describe("branch, tag or commit of a model on the Hub (default: main)").meta({ placeholder: "REV" }),
  dataRevision: z.string().optional().describe("branch, tag or commit of a data set on the Hub (default: main); refs/convert/parquet is the Hub's own copy as Parquet").meta({ placeholder: "REV" }),
  dataConfig: z.string().optional().describe("configuration of a data set that has several").meta({ placeholder: "NAME" }),
  cacheData: z.boolean().optional().describe("keep the data set's files on disk, whole, as they are read; else texts are streamed and forgotten"),
  activations: z.string().optional().describe("keep the activations in a folder and train from there: what it has not yet is written first; a later run on the same model, site and texts only reads").meta({ placeholder: "DIR" }),
  activationsDtype: z.enum(["f32", "f16"]).optional().describe("numbers in --activations: f16 takes half the room and keeps 11 bits (default: f32)"),
  logEvery: whole.describe("steps between lines of metrics.jsonl (default: a tenth of the run)").meta({ placeholder: "N" }),
  saveEvery: whole.describe("steps between checkpoints (default: a tenth of the run)").meta({ placeholder: "N" }),
  evalTokens: z.int().min(0).optional().describe("at the end, evaluate on N tokens of text that training did not see (default: 0)").meta({ placeholder: "N" }),
  resume: z.string().optional().describe("go on with the run in a folder, with its own parameters").meta({ placeholder: "DIR" }),
  allowInexact: z.boolean().default(false).describe("with --resume: another engine than the run was started on may go on with it"),
  engine: z.enum(engines).optional().describe("what multiplies matrices on the CPU; auto: onnxruntime-node (native) if it is installed, else WebAssembly, which gives the same bytes on every machine"),
  threads: z.int().min(1).max(256).optional().describe("CPU threads (default: as many as the machine has)").meta({ placeholder: "N" }),
  quiet: z.boolean().default(false).describe("no notes on stderr"),
});
// Flags by computed names are read by name; the others keep their types.
const flags = z.object({ ...params, ...others.shape, ...options }) as unknown as typeof others;

/** What is recorded with a state. */
interface Recorded {
  settings: Settings;
  conduct: Conduct;
  engine: string;
  device: "cpu" | "webgpu";
  build: string;
  /** Where the branches of the Hub were when the run began: it goes on there. */
  commits: { model?: string; data?: string };
}

export const command = defineCommand({
  name: "train",
  version,
  summary: "Sparse dictionaries of a language model's activations, trained on streamed text and saved as dictionary_learning saves them",
  flags,
  examples: [
    "train --model-name demo --dataset-name demo --trainer topk:k=32 --num-tokens 500000 --sae-batch-size 2048",
    "train --num-tokens 10000000 --trainer topk:k=32 --trainer topk:k=64 --eval-tokens 100000",
    "train --site layers.3.mlp_out --trainer standard:l1_penalty=0.1,lr=1e-3 --normalize --num-tokens 10000000",
    "train --activations kept --trainer topk:k=32 --num-tokens 10000000",
    "train --resume sae_results",
  ],
  async run(given, invocation) {
    const note = (line: string) => void (given.quiet || process.stderr.write(`${line}\n`));
    process.chdir(resolvePath(".")); // paths are relative to where the person stands, not to where a package manager starts us
    const asked = askedFor(given as Flags);
    if (given.resume !== undefined && (given as Flags).saveDir !== undefined) throw new CommandError("USAGE", "--save-dir: expected either --save-dir or --resume, got both", "a resumed run saves where it did");
    const saved = given.resume === undefined ? undefined : await new RunDirectory(given.resume).readState();
    const before = saved?.about as unknown as Recorded | undefined;

    expectSensible(before?.settings ?? asked.settings);
    using arriving = downloadProgress({ quiet: given.quiet });
    const environment = hubEnvironment(process.env);
    const hub = openHub({ ...environment, onProgress: arriving.onProgress, onNotice: note });
    const names = before ? { model_name: before.settings.model_name, dataset_name: before.settings.dataset_name, saveDir: given.resume! } : await chooseNames(asked, { hub, offline: environment.offline ?? false, note });
    const directory = new RunDirectory(names.saveDir);
    await directory.expectWritable();

    const device = await openGpuOrCpu((before && (given as Flags).device === undefined ? before.device : asked.device), {
      threads: given.threads,
      engine: given.engine ?? (before?.engine === "wasm" ? "wasm" : "auto"),
      note,
      debug: (line) => invocation.debug && note(line),
    });
    const { engine } = device;
    if (before && before.engine !== engine && !given.allowInexact)
      throw new CommandError("USAGE", `${directory.path}: expected the run's own engine, ${before.engine}, got ${engine}`, `${engineRemedy(before)}, or --allow-inexact to go on with results that differ in their last digits`);
    if (before && before.build !== version) note(`${directory.path}: begun with version ${before.build}, goes on with ${version}`);

    const { model_name, dataset_name } = names;
    const { revision, data_revision } = before?.settings ?? asked.settings;
    const model = await openModel(model_name, { device, hub, revision: before?.commits.model ?? revision ?? undefined }).catch(withoutNetwork);
    const commits = before?.commits ?? {
      model: await commitOf(hub, { repo: model_name, revision: revision ?? undefined }, "config.json"),
      data: await commitOf(hub, { type: "dataset", repo: dataset_name, revision: data_revision ?? undefined }, "README.md"),
    };
    const sites = (spellings: readonly string[]) => spellings.map((spelling) => model.site(spelling));
    if (before) expectSame({ ...asked.said, ...(asked.said.sites && { sites: sites(asked.said.sites) }) }, before.settings, directory.path);
    const settings: Settings = before?.settings ?? { ...asked.settings, model_name, dataset_name, sites: sites(asked.settings.sites) };
    if (settings.context_length > model.contextLength)
      throw new CommandError("USAGE", `context_length: expected at most ${model.contextLength} (max_position_embeddings of ${model_name}), got ${settings.context_length}`);

    const batchSize = settings.sae_batch_size;
    const steps = Math.floor(settings.num_tokens / batchSize);
    const features = settings.features ?? Math.round(settings.expansion * model.width);
    const specs = settings.trainers.map((trainer) => specOf(trainer, { features, steps }));
    const bufferTokens = Math.min(settings.buffer_tokens ?? 20 * batchSize, steps * batchSize);
    const tokens = steps * batchSize;

    const conduct: Conduct = { log_every: Math.max(1, Math.floor(steps / 10)), save_every: Math.max(1, Math.floor(steps / 10)), eval_tokens: 0, cache_data: false, ...before?.conduct, ...asked.conduct };
    const kept = conduct.activations === undefined ? undefined : shown(conduct.activations);
    if (before && kept !== undefined && before.conduct.activations === undefined) throw new CommandError("USAGE", `${directory.path}: expected the run's own activations, computed as it trains, got --activations ${kept}`, "leave it out to resume, or start another run with --save-dir");
    const isKept = kept !== undefined && (await hasActivations(kept, tokens));
    const texts = (cursor?: RowCursor | null, through = openHub({ ...environment, onNotice: note })) =>
      openTexts(dataset_name, { hub: through, column: settings.text_column, split: settings.split, config: settings.data_config ?? undefined, revision: commits.data ?? data_revision ?? undefined, cacheData: conduct.cache_data, cursor: cursor?.text ?? undefined });
    const harvested = (cursor?: RowCursor | null) => harvestOf(model, settings, { texts: texts(cursor), cursor });
    const { widths, passBytes } = harvested();
    expectMemory({ D: model.width, features: specs.map(() => features), sites: settings.sites.length, batchSize, bufferTokens, passBytes: isKept ? 0 : passBytes }, device);
    const seed = settings.random_seed;
    const opened = (cursor?: unknown) => (kept === undefined ? harvested(cursor as RowCursor | null | undefined) : keptActivations(kept, { device, widths, seed, cursor }));
    const skipFirst = kept === undefined ? settings.skip_first : 0; // they are not among those that are kept
    using training = train(opened(saved?.state.buffer.json.cursor), specs, {
      tokens: settings.num_tokens,
      batchSize,
      seed,
      bufferTokens,
      skipFirst,
      logEvery: device.kind === "cpu" ? 1 : conduct.log_every, // reading waits for a GPU, and costs nothing here
      origin: (site) => ({ layer: layerOf(site), lmName: model_name, submoduleName: submoduleName(site) }),
      ...(settings.normalize && { normFactors: () => normFactors(openBuffer(opened(), { batchSize, capacity: bufferTokens, skipFirst, tokens, seed })) }), // the same batches again
      state: saved?.state,
    });
    arriving.stop();
    if (!before && !isKept) {
      const first = texts(null, hub); // whether there are texts is told before anything is written
      await first.next().catch(withoutNetwork);
      await first.return();
    }
    let behind: RowCursor | null | undefined; // all that is kept
    if (kept !== undefined) {
      behind = await harvestTo(kept, harvested, { widths, tokens, sites: settings.sites, dtype: conduct.activations_dtype, skipFirst: settings.skip_first, provenance: await provenanceOf(settings, { commits, hub }), signal: invocation.signal, note, quiet: given.quiet });
      model.neox.dispose(); // training does not need the weights
    }
    if (!before) {
      const aside = await directory.setAside(training.trainees);
      if (aside) note(`${shown(directory.path)}: there was a run; it is in ${shown(aside)} now`);
    }
    for (const trainee of training.trainees) await directory.cutMetrics(trainee, training.step);

    if (settings.normalize && training.step === 0) note("normalize: measuring the norm of activations over the first batches");
    const about: Recorded = { settings, conduct, engine, device: device.kind, build: version, commits };
    const report = (state: RunReport["state"]) =>
      writeReport(directory, training, { state, parameters: { ...settings, ...conduct, engine, version } }).catch((error: Error) => note(`report.html: not written, and training goes on: ${error.message}`));
    const { state, logs } = await runSession(training, { directory, about: { ...about }, bufferConfig: bufferConfigOf(settings, { D: model.width, bufferTokens, device: device.kind }), logEvery: conduct.log_every!, saveEvery: conduct.save_every!, rows: settings.rows, report, signal: invocation.signal, note, quiet: given.quiet });

    const cursor = behind === undefined ? (state.buffer.json.cursor as RowCursor | null) : behind;
    const unseen = conduct.eval_tokens > 0 ? await unseenTexts(model, { texts: texts(cursor), cursor, tokens: conduct.eval_tokens, contextLength: settings.context_length }) : [];
    if (conduct.eval_tokens > 0 && unseen.length === 0) note("eval: no text is left that training did not see, so nothing is evaluated");
    for (const [i, trainee] of training.trainees.entries()) {
      const path = `${directory.folderOf(trainee)}/ae.pt`;
      const results = [logs && summary(logs[i])];
      if (unseen.length > 0) {
        const metrics = await evaluateFile(path, { model, site: trainee.site, texts: unseen, contextLength: settings.context_length });
        await directory.writeEvaluation(trainee, { ...metrics, hyperparameters: { n_inputs: unseen.length, context_length: settings.context_length } });
        results.push(`on unseen text L0 ${metrics.l0.toFixed(1)}, FVE ${metrics.frac_variance_explained.toFixed(3)}, loss recovered ${metrics.frac_recovered.toFixed(3)}`);
      }
      process.stdout.write(`${shown(path)}  ${[nameOf(trainee), ...results].filter(Boolean).join(", ")}\n`);
    }
    const page = await report("done");
    if (training.step < fewSteps) note(`train: ${count(training.step)} step${training.step === 1 ? "" : "s"} of ${count(batchSize)} tokens: this dictionary has not learned; it would with --num-tokens ${enoughSteps * batchSize}, ${count(enoughSteps)} steps`);
    const [first] = training.trainees;
    if (page !== undefined) note(`look at the run: ${shown(page)}`);
    note(`read sentences with it: sparse-rep --model ${model_name}${revision === null ? "" : ` --revision ${revision}`} --site ${first.site} --dictionary ${shown(directory.folderOf(first))}`);
  },
});

/** Fewer steps than this teach a dictionary next to nothing; after so many it is of use. */
const [fewSteps, enoughSteps] = [20, 1000];

function harvestOf(model: Model, { sites, context_length: contextLength, llm_batch_size: batchRows, rows }: Settings, { texts, cursor }: { texts: ReturnType<typeof openTexts>; cursor?: RowCursor | null }) {
  return harvest(model, texts, { site: sites, contextLength, rows, batchRows, cursor: cursor ?? undefined });
}

/** As dictionary_learning's ActivationBuffer describes itself. */
function bufferConfigOf({ context_length, llm_batch_size, sae_batch_size }: Settings, { D, bufferTokens, device }: { D: number; bufferTokens: number; device: string }) {
  return { d_submodule: D, io: "out", n_ctxs: Math.ceil(bufferTokens / context_length), ctx_len: context_length, refresh_batch_size: llm_batch_size, out_batch_size: sae_batch_size, device };
}

function layerOf(site: string): number | null {
  const [digits] = /(?<=^layers\.)\d+/.exec(site) ?? [];
  return digits === undefined ? null : Number(digits);
}

function placeholderOf(name: string): string {
  if (name === "save_dir") return "DIR";
  if (name === "device") return "name";
  return name.endsWith("_name") ? "NAME|DIR|demo" : "N";
}

const engineRemedy = ({ engine, device }: Recorded): string => (engine === "wasm" ? "--device cpu --engine wasm" : device === "cpu" ? "--device cpu --engine native on such a machine with that version" : `--device ${device} where it ran`);

/** What the Hub cannot give is told with what works instead. */
function withoutNetwork(error: unknown): never {
  if (!(error instanceof HubError)) throw error;
  throw new HubError(error.code, error.message, [error.remedy, "--model-name demo --dataset-name demo needs no network"].filter(Boolean).join("; "), { cause: error });
}
