import { DictionaryError } from "../error.js";
import { Columns, Unread } from "../matrix.js";
import { addSquares, normsOf } from "../normalize.js";
import { weight } from "../weight.js";
import { tensorsOf, type Layout, type SavedTensor } from "./savedClass.js";

/** An opened file of named tensors: what `@dictlearn/checkpoint` opens, or a Map in a test. */
export interface TensorFile {
  readonly names: readonly string[];
  info(name: string): Promise<{ readonly shape: readonly number[] }>;
  /**
   * The caller may change what it gets.
   * @param options.columns a matrix may come by its columns, and says so, where it lies like that
   */
  read(name: string, options?: { columns?: boolean }): Promise<{ readonly dtype: string; readonly data: ArrayBufferView; readonly columns?: true }>;
  /** A tensor in row-major order, so many elements at a time, each good until the next is asked for; undefined where it can't be had so. */
  pieces?(name: string, elements: number): AsyncIterable<{ readonly dtype: string; readonly data: ArrayBufferView }> | undefined;
}

type Dimensions = Record<string, number>;

/**
 * The weights of one class in our layout, as they lie in the file: nothing is normalised.
 * @param options.decoder what to read of a class's `decoder`: the norms of its columns, where it is saved as [D,F], or nothing; default all
 * @throws DictionaryError FORMAT: a missing or unexpected tensor, a wrong shape or dtype, NaN, k outside 1..F
 */
export async function readWeights<W extends object>(saved: Layout<W>, file: TensorFile, subject = "dictionary", { decoder }: { decoder?: "norms" | "nothing" } = {}): Promise<W> {
  expectNames(saved, file.names, subject);
  const dimensions = await dimensionsOf(saved, file, subject);
  const read = async ([key, tensor]: [string, SavedTensor]) => [key, decoder && key === "decoder" ? await unread(tensor, decoder, file, dimensions, subject) : value(tensor, await file.read(tensor.name, { columns: tensor.shape.length === 2 && tensor.shape[0] === "F" }), dimensions, subject)];
  const weights = Object.fromEntries(await Promise.all(tensorsOf(saved).map(read))) as W; // the table has an entry for every key of W
  const wrong = saved.wrong?.(weights);
  if (wrong) throw new DictionaryError("FORMAT", `${subject}: expected ${wrong}`);
  return weights;
}

/** Rows of a matrix [D,F] that are looked at at a time. */
const pieceRows = 32;

async function unread({ name }: SavedTensor, what: "norms" | "nothing", file: TensorFile, { D, F, O = D }: Dimensions, subject: string): Promise<Unread> {
  if (what === "nothing") return new Unread(O, F);
  const squares = new Float64Array(F);
  let start = 0;
  for await (const piece of file.pieces?.(name, pieceRows * F) ?? [await file.read(name)]) {
    addSquares(squares, weight(subject, name, piece, (at) => start + at));
    start += pieceRows * F;
  }
  return new Unread(O, F, normsOf(squares));
}

function expectNames(saved: Layout<object>, names: readonly string[], subject: string): void {
  const { missing, unexpected } = difference(saved, names);
  const expected = `${subject}: expected ${listed(tensorsOf(saved).map(([, { name }]) => name))} (${saved.name})`;
  if (missing.length) throw new DictionaryError("FORMAT", `${expected}, got no ${listed(missing)}`);
  if (unexpected.length) throw new DictionaryError("FORMAT", `${expected}, got also ${listed(unexpected)}`);
}

/** How the tensors of a file differ from those of a class. */
export function difference(saved: Layout<object>, names: readonly string[]): { missing: string[]; unexpected: string[] } {
  const expected = tensorsOf(saved).map(([, { name }]) => name);
  return { missing: expected.filter((name) => !names.includes(name)), unexpected: names.filter((name) => !expected.includes(name)) };
}

export const listed = (names: readonly string[]): string =>
  names.length ? names.slice(0, 8).join(", ") + (names.length > 8 ? ` and ${names.length - 8} more` : "") : "none";

/** D, F and G, on which every tensor of the file must agree; unless the class knows them vectors settle them, as they can't be transposed. */
async function dimensionsOf(saved: Layout<object>, file: TensorFile, subject: string): Promise<Dimensions> {
  const dimensions: Dimensions = { ...saved.dimensions };
  const tensors = tensorsOf(saved).map(([, tensor]) => tensor);
  for (const { name, shape: letters } of tensors.sort((a, b) => a.shape.length - b.shape.length)) {
    const { shape } = await file.info(name);
    const expected = letters.map((letter, i) => (dimensions[letter] ??= shape[i]));
    if (shape.length !== letters.length || String(shape) !== String(expected)) throw wrongShape(subject, name, expected, shape, { dimensions, by: saved.dimensions ? "as given" : "by the biases" });
  }
  const { D, F } = dimensions;
  if (!(D > 0 && F > 0)) throw new DictionaryError("FORMAT", `${subject}: expected D and F > 0, got D = ${D}, F = ${F}`);
  return dimensions;
}

function wrongShape(subject: string, name: string, expected: readonly (number | undefined)[], got: readonly number[], { dimensions, by }: { dimensions: Dimensions; by: string }): DictionaryError {
  const turned = got.length === 2 && String(got) === String([...expected].reverse());
  const settled = ["D", "F"].filter((letter) => letter in dimensions).map((letter) => `${letter} = ${dimensions[letter]}`);
  const because = expected.length === 2 ? ` (${settled.join(", ")} ${by})` : "";
  return new DictionaryError("FORMAT", `${subject}: expected ${name} [${expected.map((n) => n ?? "n").join(",")}], got [${got.join(",")}]${because}`, turned ? "it looks transposed" : undefined);
}

function value({ name, shape, dtype }: SavedTensor, tensor: Awaited<ReturnType<TensorFile["read"]>>, { D, F }: Dimensions, subject: string): unknown {
  if (dtype) {
    const integers = tensor.data instanceof Int32Array || tensor.data instanceof BigInt64Array ? Array.from(tensor.data, Number) : undefined;
    if (!integers) throw new DictionaryError("UNSUPPORTED", `${subject}: expected ${name} in i32 or i64, got ${tensor.dtype}`);
    return shape.length ? integers : integers[0];
  }
  const values = weight(subject, name, tensor, tensor.columns && ((at) => (at % F) * D + Math.floor(at / F)));
  if (shape.length === 0) return values[0];
  return shape.length === 2 && (shape[0] === "D" || tensor.columns) ? new Columns(D, F, values) : values;
}
