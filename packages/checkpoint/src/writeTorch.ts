import type { TensorInfo } from "./checkpoint.js";
import { dtypes, isCount } from "./dtypes.js";
import { CheckpointError, formatError } from "./error.js";
import { deepest, type PlainValue } from "./torchNames.js";
import { storageTypeOf } from "./torchPickle.js";
import { PickleWriter } from "./writePickle.js";
import { writeZip, type ZipEntry } from "./writeZip.js";

/** A tensor to write; what `read` gives is one. */
export interface TorchEntry extends TensorInfo {
  /** Every element once, in the order that the strides say. */
  readonly data: ArrayBufferView;
  /** In elements; row-major if left out. `[1, F]` for shape [F,D] saves the data, row-major [D,F], as its transposed view. */
  readonly strides?: readonly number[];
}

/** Keys keep their order. A Map may have whole numbers as keys, as an optimizer's state has. */
export type TorchDict = { readonly [key: string]: TorchValue } | ReadonlyMap<string | number, TorchValue>;
export type TorchValue = PlainValue | TorchEntry | readonly TorchValue[] | TorchDict;

/**
 * A `.pt` file that `torch.load(path, weights_only=True)` opens: tensors and plain values in nested dicts and lists. A
 * whole number becomes an int, any other a float (which torch before 2.0 refuses under weights_only). The same entries
 * give the same bytes.
 *
 * All is checked before the first piece comes. The pieces are the tensors' own memory where they can be, so a file costs
 * no second copy: write them one after another, and change no tensor meanwhile.
 * @throws FORMAT for a shape, strides and data that do not fit, or a value that is none of these; UNSUPPORTED for a
 *   dtype that torch has no storage for (u16, u32, u64 and the 8-bit floats)
 */
export function writeTorch(entries: TorchDict): Iterable<Uint8Array> {
  return writeZip(torchMembers(entries));
}

/** The archive's members: the pickle, and a storage a tensor. */
export function torchMembers(entries: TorchDict): ZipEntry[] {
  const pickle = new PickleWriter();
  const storages: Uint8Array[] = [];

  function write(value: TorchValue, name: string, depth: number): void {
    const subject = name || "file";
    if (depth > deepest) throw formatError(`${subject}: expected at most ${deepest} levels of dicts and lists, got more`);
    if (value === null) pickle.none();
    else if (typeof value === "boolean") pickle.boolean(value);
    else if (typeof value === "bigint" || isWhole(value)) named(subject, () => pickle.integer(value));
    else if (typeof value === "number") pickle.float(value);
    else if (typeof value === "string") named(subject, () => pickle.text(value));
    else if (isList(value)) pickle.list(() => value.forEach((item, i) => write(item, `${name}.${i}`, depth + 1)));
    else if (typeof value !== "object") throw formatError(`${subject}: expected a tensor, a dict, a list or a plain value, got ${typeof value}`);
    else if (isTensor(value)) writeTensor(value, subject);
    else writeDict(value, name, depth);
  }

  function writeDict(dict: TorchDict, name: string, depth: number): void {
    const subject = name || "file";
    const plain = dict instanceof Map || [Object.prototype, null].includes(Object.getPrototypeOf(dict));
    if (!plain) throw formatError(`${subject}: expected a plain object or a Map for a dict, got ${Object.prototype.toString.call(dict).slice(8, -1)}`);
    pickle.dict(() => {
      for (const [key, value] of dict instanceof Map ? (dict as ReadonlyMap<string | number, TorchValue>) : Object.entries(dict)) {
        if (typeof key !== "string" && !isWhole(key)) throw formatError(`${subject}: expected text or whole numbers as keys, got ${String(key)}`);
        write(key, `a key of ${subject}`, 0);
        write(value, name ? `${name}.${key}` : String(key), depth + 1);
      }
    });
  }

  function writeTensor(tensor: TorchEntry, subject: string): void {
    const { dtype, shape, data } = tensor;
    const strides = tensor.strides ?? rowMajor(shape);
    const type = storageTypeOf(dtype);
    if (type === undefined) throw new CheckpointError("UNSUPPORTED", `${subject}: expected a dtype that torch stores, got ${dtype}`, "write a signed integer type, f16 or f32");
    checkLayout(shape, strides, subject);
    const elements = shape.reduce((product, n) => product * n, 1);
    if (data.byteLength !== elements * dtypes[dtype].bytes)
      throw formatError(`${subject}: expected ${elements * dtypes[dtype].bytes} bytes for ${dtype} [${shape}], got ${data.byteLength}`);

    const key = String(storages.length);
    storages.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const numbers = (all: readonly number[]) => pickle.tuple(() => all.forEach((n) => pickle.integer(n)));
    pickle.call(() => {
      pickle.global("torch._utils", "_rebuild_tensor_v2");
      pickle.tuple(() => {
        pickle.persistent(() =>
          pickle.tuple(() => {
            pickle.text("storage");
            pickle.global("torch", type);
            pickle.text(key);
            pickle.text("cpu");
            pickle.integer(elements);
          }),
        );
        pickle.integer(0); // where in the storage it begins
        numbers(shape);
        numbers(strides);
        pickle.boolean(false); // requires_grad
        pickle.call(() => {
          pickle.global("collections", "OrderedDict"); // backward hooks: none
          pickle.tuple(() => {});
        });
      });
    });
  }

  if (typeof entries !== "object" || entries === null || isList(entries) || isTensor(entries)) throw formatError("file: expected a dict of tensors, got another value");
  write(entries, "", 0);
  const text = (content: string) => new TextEncoder().encode(content);
  return [
    { name: "archive/data.pkl", data: pickle.finish() },
    { name: "archive/byteorder", data: text("little") },
    ...storages.map((data, i) => ({ name: `archive/data/${i}`, data })),
    { name: "archive/version", data: text("3\n") },
  ];
}

/** @throws FORMAT unless the strides reach every one of the elements, once each */
function checkLayout(shape: readonly number[], strides: readonly number[], subject: string): void {
  const fits = strides.length === shape.length && shape.every(isCount) && strides.every(isCount);
  const wrong = () => formatError(`${subject}: expected strides over each element of [${shape}] once, got [${strides}]`);
  if (!fits) throw wrong();
  if (shape.includes(0)) return;
  // Sorted by stride, each axis steps over just what the axes below it fill.
  const axes = shape.map((size, axis) => ({ size, stride: strides[axis] })).filter(({ size }) => size > 1);
  let filled = 1;
  for (const { size, stride } of axes.sort((a, b) => a.stride - b.stride)) {
    if (stride !== filled) throw wrong();
    filled *= size;
  }
}

function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, n) => product * Math.max(n, 1), 1));
}

/** Puts the name before what went wrong with a value. */
function named(subject: string, body: () => void): void {
  try {
    body();
  } catch (cause) {
    throw formatError(`${subject}: ${(cause as Error).message}`);
  }
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && !Object.is(value, -0);
const isList = (value: unknown): value is readonly TorchValue[] => Array.isArray(value);
const isTensor = (value: object): value is TorchEntry => "data" in value && ArrayBuffer.isView(value.data);
