import { DictionaryError } from "../error.js";
import { Columns, rowsOf, transposed, type Matrix } from "../matrix.js";
import { tensorsOf, type Layout, type SavedClass, type SavedTensor } from "./savedClass.js";

/** A tensor for a file: an entry for `writeTorch` of `@dictlearn/checkpoint`. */
export interface StateTensor {
  readonly dtype: "f32" | "i32" | "i64";
  readonly shape: readonly number[];
  /** In elements, for `shape`; row-major if left out. */
  readonly strides?: readonly number[];
  /** Every element once, in the order that the strides say. */
  readonly data: Float32Array | Int32Array | BigInt64Array;
}

export interface WriteOptions {
  /**
   * Of a dictionary trained on x / normFactor: folded into the biases and thresholds, so that the saved one works on x, with
   * features larger by the factor. As dictionary_learning's `scale_biases`, in f32.
   */
  normFactor?: number;
  /** The trainer's part of config.json: `layer`, `lm_name`, ...; what follows from the weights is put in here. */
  trainer?: Readonly<Record<string, unknown>>;
  /** The buffer's part of config.json; SAELens asks it for `ctx_len`. */
  buffer?: Readonly<Record<string, unknown>>;
}

/**
 * A dictionary as saprmarks/dictionary_learning saves it: `ae.pt` is `writeTorch(tensors)`, `config.json` is `config`.
 * @throws DictionaryError SHAPE `AutoEncoder: expected encoderBias of 40 numbers, got 39 (D = 12, F = 40)`;
 *   USAGE for a norm factor that is not > 0
 */
export function writeDictionaryLearning<W extends object>(saved: SavedClass<W>, weights: W, { normFactor, trainer, buffer }: WriteOptions = {}) {
  const tensors = stateDict(saved, weights, { normFactor });
  const { D, F } = dimensionsOf(saved, weights);
  const integers = tensorsOf(saved).filter(([, { dtype }]) => dtype); // k, group_sizes: there they have the same names
  const own = { dict_class: saved.name, activation_dim: D, dict_size: F, ...Object.fromEntries(integers.map(([weight, { name }]) => [name, valuesOf(weights)[weight]])) };
  return { tensors, config: { trainer: { ...trainer, ...own }, ...(buffer && { buffer }) } };
}

/** The tensors alone, by name and in the order of dictionary_learning's state_dict. Matrices may share memory with the weights. */
export function stateDict<W extends object>(saved: Layout<W>, weights: W, { normFactor = 1 }: Pick<WriteOptions, "normFactor"> = {}): Record<string, StateTensor> {
  if (!(normFactor > 0 && normFactor < Infinity)) throw new DictionaryError("USAGE", `${saved.name}: expected a norm factor > 0, got ${normFactor}`);
  const dimensions = dimensionsOf(saved, weights);
  const wrong = saved.wrong?.(weights);
  if (wrong) throw new DictionaryError("SHAPE", `${saved.name}: expected ${wrong}`);
  return Object.fromEntries(
    tensorsOf(saved).map(([weight, tensor]) => {
      const shape = tensor.shape.map((letter) => dimensions[letter]);
      return [tensor.name, stateTensor(tensor, shape, valuesOf(weights)[weight], Math.fround(normFactor))];
    }),
  );
}

type Value = Matrix | number | readonly number[];

/** The weights by name: the table has an entry for every one. */
const valuesOf = (weights: object) => weights as Readonly<Record<string, Value>>;

/** D, F and G as the class knows them or by the vectors; every other weight must agree. */
function dimensionsOf<W extends object>(saved: Layout<W>, weights: W): Record<string, number> {
  const values = valuesOf(weights);
  const lengthOf = (value: Value) => (typeof value === "number" ? 1 : value.length);
  const dimensions: Record<string, number> = { ...saved.dimensions };
  const byRank = tensorsOf(saved).sort(([, a], [, b]) => a.shape.length - b.shape.length);
  for (const [weight, { shape }] of byRank) {
    if (shape.length === 1) dimensions[shape[0]] ??= lengthOf(values[weight]);
    const expected = shape.reduce((product, letter) => product * dimensions[letter], 1);
    const got = lengthOf(values[weight]);
    if (got !== expected) throw new DictionaryError("SHAPE", `${saved.name}: expected ${weight} of ${expected} numbers, got ${got} (D = ${dimensions.D}, F = ${dimensions.F})`);
  }
  return dimensions;
}

function stateTensor({ shape: letters, dtype, transposed: view, scaled }: SavedTensor, shape: number[], value: Value, factor: number): StateTensor {
  if (dtype === "i32") return { dtype, shape, data: Int32Array.from(listOf(value)) };
  if (dtype === "i64") return { dtype, shape, data: BigInt64Array.from(listOf(value), BigInt) };
  if (letters.length === 2) {
    const byColumns = (letters[0] === "D") !== (view === true); // in memory: f32[D,F], else f32[F,D]
    const [D, F] = letters[0] === "D" ? shape : [shape[1], shape[0]];
    return { dtype: "f32", shape, ...(view && { strides: [1, shape[0]] }), data: byColumns ? columnsOf(value as Matrix, D, F) : rowsOf(value as Matrix) };
  }
  const data = Float32Array.from(listOf(value));
  if (scaled === true || (scaled && data[0] >= 0)) for (let i = 0; i < data.length; i++) data[i] *= factor;
  return { dtype: "f32", shape, data };
}

const listOf = (value: Value): Iterable<number> => (typeof value === "number" ? [value] : (value as Float32Array | readonly number[]));

/** @returns f32[D,F] */
function columnsOf(matrix: Matrix, D: number, F: number): Float32Array {
  return matrix instanceof Columns && !matrix.norms && !matrix.factors ? matrix.data : transposed(rowsOf(matrix), F, D);
}
