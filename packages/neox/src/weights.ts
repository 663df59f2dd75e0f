import { castF32, embedding, widenBf16, type Device, type Tensor } from "@dictlearn/kernels";
import type { NeoxConfig } from "./config.js";
import { EmbeddingRows } from "./embeddings.js";
import { NeoxError } from "./error.js";
import { sitesOf } from "./sites.js";

/** A tensor of a checkpoint on the host; f16 and bf16 as their bits in a Uint16Array. */
export interface NamedTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

/** Where weights come from: an opened checkpoint, or anything that can be asked for tensors by name. */
export interface WeightReader {
  has(name: string): boolean;
  read(name: string): Promise<NamedTensor>;
  /** Some rows of a matrix, ascending, where it is cheap to read those alone, and what the whole is like: of the embedding while passes have few distinct tokens. */
  readRows?(name: string, rows: Uint32Array): Promise<NamedTensor>;
  info?(name: string): Promise<{ readonly shape: readonly number[] }>;
  /** Is handed what `read` gave once the device has it. Its memory can go then, sooner than as garbage. */
  free?(tensor: NamedTensor): void;
}

/** A tensor of the model: its name in a checkpoint, its shape, and the first site of the pass that needs it. */
interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly site: string;
}

/** Every weight in the order of the pass, matrices as torch keeps them: [out,in]. */
function* weightsOf({ vocabulary: V, width: D, mlpWidth: M, layers, attentionBias }: NeoxConfig): Generator<Weight> {
  const norm = (name: string, site: string): Weight[] => [
    { name: `${name}.weight`, shape: [D], site },
    { name: `${name}.bias`, shape: [D], site },
  ];
  const dense = (name: string, out: number, into: number, site: string, bias = true): Weight[] => [
    { name: `${name}.weight`, shape: [out, into], site },
    ...(bias ? [{ name: `${name}.bias`, shape: [out], site }] : []),
  ];
  yield { name: table, shape: [V, D], site: "embed" };
  for (let l = 0; l < layers; l++) {
    const layer = `layers.${l}`;
    yield* norm(`${layer}.input_layernorm`, `${layer}.attn_in`);
    yield* dense(`${layer}.attention.query_key_value`, 3 * D, D, `${layer}.attn_z`, attentionBias);
    yield* dense(`${layer}.attention.dense`, D, D, `${layer}.attn_out`, attentionBias);
    yield* norm(`${layer}.post_attention_layernorm`, `${layer}.mlp_in`);
    yield* dense(`${layer}.mlp.dense_h_to_4h`, M, D, `${layer}.mlp_out`);
    yield* dense(`${layer}.mlp.dense_4h_to_h`, D, M, `${layer}.mlp_out`);
  }
  yield* norm("final_layer_norm", "final_norm");
  yield { name: "embed_out.weight", shape: [V, D], site: "logits" };
}

/** Of the embedding's rows, read alone: no more are kept. */
const few = 1 / 8;
const table = "embed_in.weight";

/** The weights of one model on a device, each read the first time that a pass needs it. */
export class Weights {
  readonly #tensors = new Map<string, Tensor>();
  readonly #rows: EmbeddingRows;
  readonly #all: readonly Weight[];
  readonly #order: ReadonlyMap<string, number>; // of sites
  #loading: Promise<void> = Promise.resolve();

  constructor(
    readonly device: Device,
    readonly config: NeoxConfig,
    readonly reader: WeightReader,
  ) {
    this.#rows = new EmbeddingRows(device, config.width, Math.floor(few * config.vocabulary));
    this.#all = [...weightsOf(config)];
    this.#order = new Map([...sitesOf(config.layers), "logits"].map((site, i) => [site, i]));
  }

  /**
   * Reads what a pass up to `site` (or "logits") needs and is not here yet. Calls at the same time wait for each other.
   * @param tokens of the pass; without, the embedding waits for them if its rows can be read alone
   */
  load(site: string, tokens: Uint32Array = new Uint32Array()): Promise<void> {
    const end = this.#order.get(site)!;
    const loaded = this.#loading.then(async () => {
      const byRows = !this.#tensors.has(table) && !(site === "logits" && this.config.tiedEmbeddings) && (await this.#loadRows(tokens));
      const missing = this.#all.filter(({ site, name }) => this.#order.get(site)! <= end && !this.#tensors.has(name) && !(byRows && name === table));
      let ahead = this.#fetch(missing[0]); // while one is checked and uploaded, the next is read
      for (const [i, weight] of missing.entries()) {
        const fetched = await ahead;
        ahead = this.#fetch(missing[i + 1]);
        this.#tensors.set(weight.name, this.device.keep(this.#upload(weight, fetched?.floats)));
        if (fetched) this.reader.free?.(fetched.tensor);
      }
    });
    this.#loading = loaded.catch(() => {}); // the next call tries again
    return loaded;
  }

  /**
   * Reads the rows of these tokens, unless the whole table is better: where one pass needs many of them, and on a GPU, where a
   * pass is over sooner than rows are read, once many have been needed. @returns whether they are here
   */
  async #loadRows(tokens: Uint32Array): Promise<boolean> {
    const { reader } = this;
    if (!reader.readRows || !reader.info) return false;
    const missing = this.#rows.missing(tokens);
    if (missing.length > this.#rows.room && this.device.kind === "cpu") this.#rows.keep(tokens);
    if (missing.length > this.#rows.room) {
      this.#rows.clear();
      return false;
    }
    const { vocabulary: V, width: D } = this.config;
    const name = this.#nameOf(table);
    expectShape(name, (await reader.info(name)).shape, [V, D]);
    if (missing.length > 0) {
      const tensor = await reader.readRows(name, missing);
      this.#rows.add(missing, floats(tensor, (at) => missing[Math.floor(at / D)] * D + (at % D)));
      reader.free?.(tensor);
    }
    return true;
  }

  /** f32[N,D], the embeddings of tokens that `load` was told of. */
  embed(tokens: Uint32Array): Tensor {
    const whole = this.find(table);
    return whole ? this.device.scope(() => embedding(whole, this.device.tensor(tokens, [tokens.length]))) : this.#rows.embed(tokens);
  }

  /** Bytes on the device of all that passes up to the last of the sites need, at the least: the embedding, once it is read whole, may lie there as halves. */
  bytesFor(sites: readonly string[]): number {
    const end = Math.max(...sites.map((site) => this.#order.get(site)!));
    const needed = this.#all.filter(({ site }) => this.#order.get(site)! <= end);
    return needed.reduce((sum, { name, shape }) => sum + (name === table ? 2 : 4) * shape.reduce((a, b) => a * b), 0);
  }

  /** A weight that is loaded, by its name in a checkpoint without `gpt_neox.`; undefined if the model has none of it. */
  find(name: string): Tensor | undefined {
    return this.#tensors.get(name);
  }

  get(name: string): Tensor {
    return this.find(name)!; // `load` came first
  }

  dispose(): void {
    for (const tensor of this.#tensors.values()) tensor.dispose();
    this.#tensors.clear();
    this.#rows.clear();
  }

  /** The elements of a weight, checked; undefined for one that another stands for. A failure is told when it is awaited. */
  #fetch(weight: Weight | undefined): Promise<{ tensor: NamedTensor; floats: Float32Array | Uint16Array } | undefined> {
    const tied = weight?.name === "embed_out.weight" && this.config.tiedEmbeddings;
    const fetched = weight && !tied ? this.#read(weight.name, weight.shape).then((tensor) => ({ tensor, floats: floats(tensor) })) : Promise.resolve(undefined);
    fetched.catch(() => {});
    return fetched;
  }

  #upload({ name, shape }: Weight, data: Float32Array | Uint16Array | undefined): Tensor {
    return this.device.scope(() => {
      const tensor = data ? this.device.tensor(data, shape) : this.get(table).reshape(shape);
      const asHalves = name === table; // a lookup widens what it takes; a matmul wants f32
      return tensor.dtype === "f16" && !asHalves ? castF32(tensor) : tensor;
    });
  }

  async #read(name: string, shape: readonly number[]): Promise<NamedTensor> {
    const found = this.#nameOf(name);
    const tensor = await this.reader.read(found);
    expectShape(found, tensor.shape, shape);
    return tensor;
  }

  /** What the checkpoint calls it. @throws NeoxError FORMAT */
  #nameOf(name: string): string {
    const names = name === "embed_out.weight" ? [name, "lm_head.weight"] : [`gpt_neox.${name}`, name]; // a base model's have no prefix
    const found = names.find((name) => this.reader.has(name));
    if (found === undefined) throw new NeoxError("FORMAT", `${names[0]}: expected it in the checkpoint, got no such tensor`, name === "embed_out.weight" ? "a base model has no output matrix: ask for sites only, or open the GPTNeoXForCausalLM checkpoint" : undefined);
    return found;
  }
}

function expectShape(name: string, got: readonly number[], expected: readonly number[]): void {
  if (String(got) !== String(expected)) throw new NeoxError("SHAPE", `${name}: expected [${expected.join(",")}] by config.json, got [${got.join(",")}]`, "take config.json and weights of the same model");
}

type Place = (at: number) => number;

/** Elements as f32, or f16 as their bits. @param place where in the tensor an element stands, for messages @throws NeoxError FORMAT for NaN and infinities, UNSUPPORTED for another dtype */
function floats({ name, dtype, data }: NamedTensor, place?: Place): Float32Array | Uint16Array {
  switch (dtype) {
    case "f32":
      return finite(name, data as Float32Array, place);
    case "f16":
      return finite(name, data as Uint16Array, place);
    case "bf16":
      return finite(name, widenBf16(data as Uint16Array), place);
    case "f64":
      return finite(name, new Float32Array(data as Float64Array), place);
    default:
      throw new NeoxError("UNSUPPORTED", `${name}: expected dtype f16, bf16, f32 or f64, got ${dtype}`);
  }
}

/**
 * NaN and infinities have an exponent of all ones: one more carries into the sign bit, so an OR over all elements tells.
 * Halves two by two; where they are odd in number or place, all are looked at one by one.
 */
function finite<A extends Float32Array | Uint16Array>(name: string, data: A, place: Place = (at) => at): A {
  const halves = data instanceof Uint16Array;
  const words = data.byteLength % 4 === 0 && data.byteOffset % 4 === 0 ? new Int32Array(data.buffer, data.byteOffset, data.byteLength / 4) : data;
  const [exponent, one, sign] = halves ? [0x7c007c00, 0x04000400, 0x80008000] : [0x7f800000, 0x00800000, 0x80000000];
  if (carried(words, exponent, one) & sign) throw new NeoxError("FORMAT", `${name}: expected finite values, got NaN or infinity at element ${place(data.findIndex((x: number) => halves ? (x & 0x7c00) === 0x7c00 : !Number.isFinite(x)))}`, "the checkpoint is damaged, or overflowed in half precision: take another revision");
  return data;
}

/** By itself, so that it is compiled soon; four lanes, so that no OR waits for the one before. */
function carried(words: Int32Array | Float32Array | Uint16Array, exponent: number, one: number): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = words.length - (words.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a |= (words[i] & exponent) + one;
    b |= (words[i + 1] & exponent) + one;
    c |= (words[i + 2] & exponent) + one;
    d |= (words[i + 3] & exponent) + one;
  }
  for (let i = whole; i < words.length; i++) a |= (words[i] & exponent) + one;
  return a | b | c | d;
}
