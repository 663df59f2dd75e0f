import { resolve } from "node:path";
import { CommandError, count } from "@dictlearn/command";
import { optionName } from "@dictlearn/sae";
import { usual, type RowKind } from "dictlearn";
import { defaultFile, paramNames, readParams, type Params } from "./params.js";
import { allOptions, checkedChoice, parseOption, parseTrainer, spelled, type TrainerChoice } from "./trainers.js";

/** All that decides what a run trains: what a state records, and what a resumed run must not change. */
export interface Settings extends Omit<Params, "device" | "save_dir" | "layer"> {
  /** In canonical names once the model is open. */
  readonly sites: readonly string[];
  readonly trainers: readonly TrainerChoice[];
  /** F; null: `expansion` times the model's width. */
  readonly features: number | null;
  readonly expansion: number;
  readonly rows: RowKind;
  readonly skip_first: number;
  /** Null: 20 batches. */
  readonly buffer_tokens: number | null;
  readonly normalize: boolean;
  readonly text_column: string;
  readonly split: string;
  /** Branch, tag or commit of a model on the Hub; null: its main branch. */
  readonly revision: string | null;
  /** The same of a data set. */
  readonly data_revision: string | null;
  /** Null: a data set's only configuration. */
  readonly data_config: string | null;
}

/** What may change when a run goes on. */
export interface Conduct {
  readonly log_every?: number;
  readonly save_every?: number;
  readonly eval_tokens: number;
  /** Whether texts of the Hub stay on disk. */
  readonly cache_data: boolean;
  /** The folder that the run trains from; undefined: from the model. Another place with the same content will do. */
  readonly activations?: string;
  readonly activations_dtype?: "f32" | "f16";
  /** Of `metricsLogNames`. */
  readonly log_to?: readonly string[];
}

/** What a command line and its file of parameters say. */
export interface Asked {
  /** What was said in so many words. */
  readonly said: Partial<Settings>;
  /** That, and defaults for the rest. */
  readonly settings: Settings;
  readonly conduct: Partial<Conduct>;
  readonly device: Params["device"];
  readonly saveDir: string;
  /** Whether model and texts were named, if only by a revision, and not left at their defaults. */
  readonly named: { readonly model: boolean; readonly dataset: boolean };
}

/** The flags, by their names in camel case; those that were not given are undefined. */
export type Flags = Readonly<Record<string, unknown>>;

const otherDefaults = { features: null, expansion: 8, rows: "document" as const, skip_first: 0, buffer_tokens: null, normalize: false, text_column: "text", split: "train", revision: null, data_revision: null, data_config: null };
const defaultTrainer: TrainerChoice = { name: "standard", options: {} };

/** @throws CommandError USAGE for what can't be said together */
export function askedFor(flags: Flags): Asked {
  const inFlags = defined(Object.fromEntries(paramNames.map((name) => [name, flags[optionName(name)]]))) as Partial<Params>;
  const inFile = flags.params === undefined ? {} : readParams(flags.params as string);
  const byDefault = readParams(defaultFile) as Params;
  const { device, save_dir: saveDir, layer, ...params } = { ...byDefault, ...inFile, ...inFlags };

  const sites = flags.site as string[] | undefined;
  if (sites && inFlags.layer !== undefined) throw new CommandError("USAGE", "--layer: expected either --layer or --site, got both", "a site says its layer: --site layers.3.mlp_out");
  if (flags.features !== undefined && flags.expansion !== undefined) throw new CommandError("USAGE", "--features: expected either --features or --expansion, got both");
  if (flags.activationsDtype !== undefined && flags.activations === undefined) throw new CommandError("USAGE", "--activations-dtype: expected --activations with it, got none", "--activations DIR says where they are kept");
  const saidLayer = inFlags.layer ?? inFile.layer;
  const siteOf = (n: number) => `layers.${n}.resid_post`;

  const { device: _, save_dir: __, layer: ___, ...saidParams } = { ...inFile, ...inFlags };
  const said = defined({
    ...saidParams,
    sites: sites ?? (saidLayer === undefined ? undefined : [siteOf(saidLayer)]),
    trainers: trainersIn(flags),
    features: flags.features ?? (flags.expansion === undefined ? undefined : null),
    expansion: flags.expansion,
    rows: flags.rows,
    skip_first: flags.skipFirst,
    buffer_tokens: flags.bufferTokens,
    normalize: flags.normalize,
    text_column: flags.textColumn,
    split: flags.split,
    revision: flags.revision,
    data_revision: flags.dataRevision,
    data_config: flags.dataConfig,
  }) as Partial<Settings>;
  const isNamed = (name: "model_name" | "dataset_name", { name: usually }: { name: string }) => inFlags[name] !== undefined || inFile[name] !== undefined || byDefault[name] !== usually;
  return {
    said,
    settings: { ...otherDefaults, sites: [siteOf(layer)], trainers: [defaultTrainer], ...params, ...said },
    conduct: defined({ log_to: flags.logTo, log_every: flags.logEvery, save_every: flags.saveEvery, eval_tokens: flags.evalTokens, cache_data: flags.cacheData, activations: flags.activations === undefined ? undefined : resolve(flags.activations as string), activations_dtype: flags.activationsDtype } as Partial<Conduct>),
    device,
    saveDir,
    named: { model: isNamed("model_name", usual.model) || said.revision !== undefined, dataset: isNamed("dataset_name", usual.texts) || said.data_revision !== undefined || said.data_config !== undefined },
  };
}

/** The trainers that were asked for; flags such as --k are options of the only one. */
function trainersIn(flags: Flags): TrainerChoice[] | undefined {
  const chosen = (flags.trainer as string[] | undefined)?.map(parseTrainer);
  const global = allOptions.filter((name) => flags[optionName(name)] !== undefined);
  if (global.length === 0) return chosen;
  const [first, ...others] = chosen ?? [defaultTrainer];
  const flag = `--${global[0].replaceAll("_", "-")}`;
  if (others.length > 0) throw new CommandError("USAGE", `${flag}: expected one --trainer, got ${others.length + 1}`, `give each its own: --trainer ${first.name}:${global[0]}=…`);
  const twice = global.find((name) => name in first.options);
  if (twice !== undefined) throw new CommandError("USAGE", `${flag}: expected ${twice} once, got it in --trainer ${first.name} too`);
  return [checkedChoice({ name: first.name, options: { ...first.options, ...Object.fromEntries(global.map((name) => [name, parseOption(String(flags[optionName(name)]))])) } })];
}

/** @throws CommandError USAGE for numbers that don't go together, whatever the model */
export function expectSensible({ num_tokens, sae_batch_size, buffer_tokens, skip_first, context_length }: Settings): void {
  if (num_tokens < sae_batch_size) throw new CommandError("USAGE", `num_tokens: expected at least a batch of ${count(sae_batch_size)}, got ${count(num_tokens)}`, "more --num-tokens, or a smaller --sae-batch-size");
  if (buffer_tokens !== null && buffer_tokens < sae_batch_size) throw new CommandError("USAGE", `buffer_tokens: expected at least a batch of ${count(sae_batch_size)}, got ${count(buffer_tokens)}`);
  if (skip_first >= context_length) throw new CommandError("USAGE", `skip_first: expected less than context_length = ${context_length}, got ${skip_first}`);
}

/**
 * @param said what a resumed run was asked for, sites in canonical names
 * @throws CommandError USAGE unless it is what the run was started with
 */
export function expectSame(said: Partial<Settings>, before: Settings, directory: string): void {
  const text = (value: unknown) => JSON.stringify(value);
  const others = Object.entries(said).filter(([name, value]) => text(value) !== text(before[name as keyof Settings]));
  if (others.length === 0) return;
  const shown = (name: string, value: unknown) => (name === "trainers" ? (value as TrainerChoice[]).map(spelled).join(" ") : text(value));
  const listed = others.map(([name, value]) => `${name} ${shown(name, before[name as keyof Settings])}, got ${shown(name, value)}`);
  throw new CommandError("USAGE", `${directory}: expected the run's own parameters: ${listed.join("; ")}`, "leave them out to resume, or start another run with --save-dir");
}

const defined = <T extends object>(object: T): T => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;

