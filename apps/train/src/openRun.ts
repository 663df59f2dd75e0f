import { CommandError, downloadProgress, shownPath } from "@dictlearn/command";
import { hubEnvironment, openHub, type Hub } from "@dictlearn/hub";
import { type Device } from "@dictlearn/kernels";
import { harvest, normFactors, openBuffer, openModel, openTexts, RunDirectory, submoduleName, train, type Harvest, type Model, type RowCursor, type Training } from "dictlearn";
import { chooseNames, type Names } from "./chooseNames.js";
import { commitOf } from "./commitOf.js";
import { expectEngine, type EarlierRun, type Recorded } from "./earlierRun.js";
import { expectMemory } from "./expectMemory.js";
import { type Given } from "./flags.js";
import { hasActivations, keptActivations } from "./keptActivations.js";
import { type Locks } from "./locks.js";
import { openGpuOrCpu } from "./openGpuOrCpu.js";
import { expectSame, type Asked, type Conduct, type Flags, type Settings } from "./settings.js";
import { specOf } from "./trainers.js";
import { version } from "./version.js";
import { withoutNetwork } from "./withoutNetwork.js";

/** All that a run takes, opened and found to fit together; nothing is written yet. */
export interface Run extends AsyncDisposable {
  readonly directory: RunDirectory;
  readonly isResumed: boolean;
  /** What is recorded with its states. */
  readonly about: Recorded;
  readonly device: Device;
  readonly model: Model;
  readonly hub: Hub;
  readonly training: Training;
  /** Whole batches of them. */
  readonly tokens: number;
  readonly bufferTokens: number;
  /** The folder that activations are kept in, and whether it has them all; undefined: they come from the model. */
  readonly kept?: { readonly path: string; readonly isWhole: boolean };
  /** @param through default: a hub that shows no progress */
  texts(cursor?: RowCursor | null, through?: Hub): ReturnType<typeof openTexts>;
  harvested(cursor?: RowCursor | null): Harvest;
}

export interface OpenRunOptions {
  given: Given;
  earlier?: EarlierRun;
  locks: Locks;
  note: (line: string) => void;
  debug: boolean;
}

/**
 * Opens what was asked for, or what an earlier run was of.
 * @throws CommandError USAGE for what does not fit together, IO where another run is at its folder, and what the Hub, the model, the texts and the trainers refuse
 */
export async function openRun(asked: Asked, { given, earlier, locks, note, debug }: OpenRunOptions): Promise<Run> {
  const before = earlier?.about;
  using arriving = downloadProgress({ quiet: given.quiet });
  const environment = hubEnvironment(process.env);
  const hub = openHub({ ...environment, onProgress: arriving.onProgress, onNotice: note });
  const names = earlier ? { model_name: earlier.about.settings.model_name, dataset_name: earlier.about.settings.dataset_name, saveDir: earlier.path } : await chooseNames(asked, { hub, offline: environment.offline ?? false, note });
  const directory = new RunDirectory(names.saveDir);
  if (!earlier) await locks.take(directory);

  const device = await openGpuOrCpu(before && (given as Flags).device === undefined ? before.device : asked.device, { threads: given.threads, engine: given.engine ?? (before?.engine === "wasm" ? "wasm" : "auto"), note, debug });
  if (earlier) expectEngine(earlier, device.engine, { allowInexact: given.allowInexact, note });

  const { revision } = before?.settings ?? asked.settings;
  const model = await openModel(names.model_name, { device, hub, revision: before?.commits.model ?? revision ?? undefined }).catch(withoutNetwork);
  try {
    return await openOn(model, { asked, earlier, note, names, directory, device, hub });
  } catch (error) {
    await model.dispose(); // its files too
    throw error;
  }
}

interface Opened {
  asked: Asked;
  earlier?: EarlierRun;
  note: (line: string) => void;
  names: Names;
  directory: RunDirectory;
  device: Device;
  hub: Hub;
}

/** The rest of a run, which takes the model over. */
async function openOn(model: Model, { asked, earlier, note, names, directory, device, hub }: Opened): Promise<Run> {
  const before = earlier?.about;
  const { model_name, dataset_name } = names;
  const { revision, data_revision } = before?.settings ?? asked.settings;
  const commits = before?.commits ?? {
    model: await commitOf(hub, { repo: model_name, revision: revision ?? undefined }, "config.json"),
    data: await commitOf(hub, { type: "dataset", repo: dataset_name, revision: data_revision ?? undefined }, "README.md"),
  };
  const settings = settingsOf(asked, { model, names, earlier });
  const { sae_batch_size: batchSize, random_seed: seed } = settings;
  const steps = Math.floor(settings.num_tokens / batchSize);
  const tokens = steps * batchSize;
  const features = settings.features ?? Math.round(settings.expansion * model.width);
  const specs = settings.trainers.map((trainer) => specOf(trainer, { features, steps }));
  const bufferTokens = Math.min(settings.buffer_tokens ?? 20 * batchSize, tokens);

  const conduct: Conduct = { log_every: Math.max(1, Math.floor(steps / 10)), save_every: Math.max(1, Math.floor(steps / 10)), eval_tokens: 0, cache_data: false, ...before?.conduct, ...asked.conduct };
  const kept = conduct.activations === undefined ? undefined : shownPath(conduct.activations);
  if (before && kept !== undefined && before.conduct.activations === undefined) throw new CommandError("USAGE", `${directory.path}: expected the run's own activations, computed as it trains, got --activations ${kept}`, "leave it out to resume, or start another run with --save-dir");
  const isWhole = kept !== undefined && (await hasActivations(kept, tokens));

  const texts: Run["texts"] = (cursor, through = openHub({ ...hubEnvironment(process.env), onNotice: note })) =>
    openTexts(dataset_name, { hub: through, column: settings.text_column, split: settings.split, config: settings.data_config ?? undefined, revision: commits.data ?? data_revision ?? undefined, cacheData: conduct.cache_data, cursor: cursor?.text ?? undefined });
  const harvested: Run["harvested"] = (cursor) => harvest(model, texts(cursor), { site: settings.sites, contextLength: settings.context_length, rows: settings.rows, batchRows: settings.llm_batch_size, cursor: cursor ?? undefined });
  const { widths, passBytes } = harvested();
  expectMemory({ D: model.width, features: specs.map(() => features), sites: settings.sites.length, batchSize, bufferTokens, passBytes: isWhole ? 0 : passBytes }, device);
  const opened = (cursor?: unknown) => (kept === undefined ? harvested(cursor as RowCursor | null | undefined) : keptActivations(kept, { device, widths, seed, cursor }));
  const skipFirst = kept === undefined ? settings.skip_first : 0; // they are not among those that are kept
  const training = train(opened(earlier?.state.buffer.json.cursor), specs, {
    tokens: settings.num_tokens,
    batchSize,
    seed,
    bufferTokens,
    skipFirst,
    logEvery: device.kind === "cpu" ? 1 : conduct.log_every, // reading waits for a GPU, and costs nothing here
    origin: (site) => ({ layer: layerOf(site), lmName: model_name, submoduleName: submoduleName(site) }),
    ...(settings.normalize && { normFactors: () => normFactors(openBuffer(opened(), { batchSize, capacity: bufferTokens, skipFirst, tokens, seed })) }), // the same batches again
    state: earlier?.state,
  });
  return {
    directory,
    isResumed: earlier !== undefined,
    about: { settings, conduct, engine: device.engine, device: device.kind, build: version, commits },
    device,
    model,
    hub,
    training,
    tokens,
    bufferTokens,
    ...(kept !== undefined && { kept: { path: kept, isWhole } }),
    texts,
    harvested,
    async [Symbol.asyncDispose]() {
      training.dispose();
      await model.dispose();
    },
  };
}

/** The run's own settings, or what was asked for, with sites in canonical names. */
function settingsOf({ said, settings: asked }: Asked, { model, names: { model_name, dataset_name }, earlier }: { model: Model; names: Names; earlier?: EarlierRun }): Settings {
  const sites = (spellings: readonly string[]) => spellings.map((spelling) => model.site(spelling));
  if (earlier) expectSame({ ...said, ...(said.sites && { sites: sites(said.sites) }) }, earlier.about.settings, earlier.path);
  const settings = earlier?.about.settings ?? { ...asked, model_name, dataset_name, sites: sites(asked.sites) };
  if (settings.context_length > model.contextLength)
    throw new CommandError("USAGE", `context_length: expected at most ${model.contextLength} (max_position_embeddings of ${model_name}), got ${settings.context_length}`);
  return settings;
}

function layerOf(site: string): number | null {
  const [digits] = /(?<=^layers\.)\d+/.exec(site) ?? [];
  return digits === undefined ? null : Number(digits);
}
