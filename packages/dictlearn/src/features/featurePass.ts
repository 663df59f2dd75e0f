import { type Cursor, type Text } from "@dictlearn/corpus";
import { type Tensor } from "@dictlearn/kernels";
import { type Ablation } from "@dictlearn/report";
import { type Dictionary } from "@dictlearn/sae";
import { passFeatures } from "../encodePieces.js";
import { DictlearnError } from "../error.js";
import { harvest, type Harvest } from "../harvest.js";
import { type Model } from "../openModel.js";
import { type RowCursor, type RowKind } from "../tokenRows.js";
import { ablate, type AblationCase } from "./ablation.js";
import { FeatureStatistics, type StatisticsOptions, type StatisticsState } from "./featureStatistics.js";

export interface FeaturePassOptions extends StatisticsOptions {
  site: string;
  /** How many to read; the row in which so many are reached is the last. */
  tokens: number;
  contextLength: number;
  rows: RowKind;
  /** Examples of each feature, strongest first, that it is taken out of. */
  ablate: number;
}

/** All that going on takes: arrays, and what is said of them. */
export interface FeaturePassState {
  readonly arrays: StatisticsState;
  readonly cursor: RowCursor | null;
  /** Whether the corpus is read. */
  readonly read: boolean;
  /** By case, in their order. */
  readonly ablations: readonly Ablation[];
}

/** Tokens of a turn of ablations, and cases: each has logits of its own. */
const [turnTokens, turnCases] = [2048, 64];

/**
 * One pass over a corpus for all features of a dictionary, and then some examples with the feature taken out. Between two
 * turns it can be saved; what goes on from there comes to the same, byte for byte on a device that is exact.
 */
export class FeaturePass {
  readonly statistics: FeatureStatistics;
  readonly #model: Model;
  readonly #dictionary: Dictionary;
  readonly #options: FeaturePassOptions;
  readonly #open: (cursor?: Cursor) => AsyncIterable<Text> | Iterable<Text>;
  readonly #site: string;
  #texts: AsyncIterable<Text> | Iterable<Text> | undefined;
  #harvest: Harvest | undefined;
  #cursor: RowCursor | null;
  #read: boolean;
  #cases: Case[] | undefined;
  readonly #ablations: Ablation[];

  /** What is kept on the host at the most, in bytes. */
  static bytes(F: number, options: FeaturePassOptions): number {
    return FeatureStatistics.bytes(F, options, options) + F * Math.min(options.ablate, options.examples) * 600;
  }

  /**
   * @param open the texts, from the beginning or behind a cursor
   * @param state as `state()` gave it, with the same options
   * @throws DictlearnError SHAPE if the widths differ; NeoxError USAGE for an unknown site; as `harvest`
   */
  constructor(model: Model, dictionary: Dictionary, open: (cursor?: Cursor) => AsyncIterable<Text> | Iterable<Text>, options: FeaturePassOptions, state?: FeaturePassState) {
    this.#site = model.site(options.site);
    if (dictionary.D !== model.width) throw new DictlearnError("SHAPE", `dictionary: expected D = ${model.width} (${this.#site} of ${model.name}), got D = ${dictionary.D}`, "take a dictionary that was trained on this model");
    for (const [name, least] of Object.entries({ tokens: 1, window: 1, examples: 0, samples: 0, ablate: 0, skipFirst: 0 })) {
      const value = options[name as "tokens"];
      if (!(Number.isSafeInteger(value) && value >= least)) throw new DictlearnError("USAGE", `features: expected ${name} to be a whole number >= ${least}, got ${value}`);
    }
    if (options.skipFirst >= options.contextLength) throw new DictlearnError("USAGE", `features: expected skipFirst below the context length, ${options.contextLength}, got ${options.skipFirst}`);
    if (options.ablate > 0 && dictionary.output) throw new DictlearnError("UNSUPPORTED", `${dictionary.kind}: expected an autoencoder to take features out of, got a transcoder, whose features are of another site's output`, "leave ablation out (0)");
    this.#model = model;
    this.#dictionary = dictionary;
    this.#open = open;
    this.#options = options;
    this.statistics = new FeatureStatistics(dictionary.F, options, state?.arrays);
    this.#cursor = state?.cursor ?? null;
    this.#read = state?.read ?? false;
    this.#ablations = [...(state?.ablations ?? [])];
    if (!this.#read) this.#source(); // a context that is too long is told before anything is made
  }

  /** Tokens that were read so far, those that are left out too. */
  get tokens(): number {
    return this.statistics.tokens + this.statistics.rows * this.#options.skipFirst;
  }

  /** Reads some rows. @returns whether there was anything left to read */
  async readSome(): Promise<boolean> {
    if (this.#read) return false;
    const harvested = await this.#source().next();
    if (!harvested) {
      this.#read = true;
      await this.close();
      return false;
    }
    const { rows, activations, cursor } = harvested;
    const x = activations[this.#site]; // f32[N,D]
    try {
      await this.#add(x, rows);
    } finally {
      x.dispose();
    }
    this.#cursor = cursor as RowCursor;
    if (this.#read) await this.close();
    return !this.#read;
  }

  /** How many examples are done, of how many, and the tokens that are left; there are none before the corpus is read. */
  get ablated(): { done: number; of: number; tokens: number } {
    const cases = this.#read ? this.#allCases() : [];
    const done = this.#ablations.length;
    return { done, of: cases.length, tokens: cases.slice(done).reduce((sum, { position }) => sum + position + 1, 0) };
  }

  /** Takes features out of some examples. @returns whether there was anything left to do */
  async ablateSome(): Promise<boolean> {
    const cases = this.#allCases();
    const taken: AblationCase[] = [];
    const rows: Uint32Array[] = [];
    let tokens = 0;
    for (let i = this.#ablations.length, last = -1; i < cases.length && taken.length < turnCases; i++) {
      const { feature, row, position } = cases[i];
      if (taken.length > 0 && tokens + position + 1 > turnTokens) break;
      if (row !== last) rows.push(this.statistics.store.tokens((last = row)));
      taken.push({ feature, row: rows.length - 1, position });
      tokens += position + 1;
    }
    if (taken.length === 0) return false;
    this.#ablations.push(...(await ablate(this.#model, this.#dictionary, { site: this.#site, rows, cases: taken })));
    return this.#ablations.length < cases.length;
  }

  /** By slot of `statistics.best`, what was found so far. */
  ablationsBySlot(): ReadonlyMap<number, Ablation> {
    const cases = this.#read ? this.#allCases() : [];
    return new Map(this.#ablations.map((ablation, i) => [cases[i].slot, ablation]));
  }

  /** Lets go of the texts, as it does by itself when it has read enough. */
  async close(): Promise<void> {
    await (this.#texts as Partial<AsyncGenerator<Text>> | undefined)?.return?.(undefined);
  }

  state(): FeaturePassState {
    return { arrays: this.statistics.state(), cursor: this.#cursor, read: this.#read, ablations: this.#ablations };
  }

  #source(): Harvest {
    const { contextLength, rows, tokens } = this.#options;
    const batchRows = Math.min(512, Math.ceil(tokens / contextLength)); // a GPU would take more at once than are asked for
    this.#texts ??= this.#open(this.#cursor?.text ?? undefined);
    return (this.#harvest ??= harvest(this.#model, this.#texts, { site: this.#site, contextLength, rows, batchRows, cursor: this.#cursor ?? undefined }));
  }

  /** Rows of a pass, up to the one in which all tokens are reached; so it does not matter how many run together. */
  async #add(x: Tensor, { tokens, start }: { tokens: Uint32Array; start: Uint32Array }): Promise<void> {
    const { device, F } = this.#dictionary;
    const most = Math.max(1, Math.floor(passFeatures / F)); // tokens that are encoded together
    const D = x.shape[1];
    const activations = (await x.read()) as Float32Array;
    for (let r = 0; r + 1 < start.length && !this.#read; ) {
      let end = r + 1;
      while (end + 1 < start.length && start[end + 1] - start[r] <= most) end++;
      const [from, to] = [start[r], start[end]];
      const features = await this.#encode(activations.subarray(from * D, to * D), Math.max(most, 1), device);
      for (; r < end && !this.#read; r++) {
        this.statistics.add(tokens.subarray(start[r], start[r + 1]), features, start[r] - from);
        this.#read = this.tokens >= this.#options.tokens;
      }
    }
  }

  /** Features of consecutive tokens, at most `most` of which are encoded together. @param x f32[n,D] */
  async #encode(x: Float32Array, most: number, device: Dictionary["device"]) {
    const { D } = this.#dictionary;
    const n = x.length / D;
    const part = (from: number, to: number) => device.scope(() => this.#dictionary.encode(device.tensor(x.subarray(from * D, to * D), [to - from, D])).read());
    if (n <= most) return part(0, n);
    const parts = [];
    for (let from = 0; from < n; from += most) parts.push(await part(from, Math.min(n, from + most)));
    return joined(parts);
  }

  /** In the order of the rows, so that those of a turn share them. */
  #allCases(): Case[] {
    if (this.#cases) return this.#cases;
    const { best } = this.statistics;
    const cases = [];
    for (let feature = 0; feature < best.F; feature++)
      for (const slot of best.slots(feature).slice(0, this.#options.ablate)) cases.push({ slot, feature, row: best.arrays.rows[slot], position: best.arrays.positions[slot] });
    return (this.#cases = cases.sort((a, b) => a.row - b.row || a.feature - b.feature));
  }
}

/** An example to take its feature out of, by its slot in `statistics.best`. */
interface Case {
  slot: number;
  feature: number;
  row: number;
  position: number;
}

type Entries = { rowStart: Uint32Array; index: Uint32Array; values: Float32Array };

/** Rows of sparse features behind each other. */
function joined(parts: readonly Entries[]): Entries {
  const total = (of: (part: Entries) => number) => parts.reduce((sum, part) => sum + of(part), 0);
  const rowStart = new Uint32Array(total((part) => part.rowStart.length - 1) + 1);
  const index = new Uint32Array(total((part) => part.index.length));
  const values = new Float32Array(index.length);
  let [row, at] = [0, 0];
  for (const part of parts) {
    for (let r = 1; r < part.rowStart.length; r++) rowStart[++row] = at + part.rowStart[r];
    index.set(part.index, at);
    values.set(part.values, at);
    at += part.index.length;
  }
  return { rowStart, index, values };
}
