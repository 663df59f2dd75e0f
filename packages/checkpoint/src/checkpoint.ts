import { dtypes, type Dtype } from "./dtypes.js";
import { CheckpointError } from "./error.js";

export interface TensorInfo {
  readonly dtype: Dtype;
  /** [] for a scalar */
  readonly shape: readonly number[];
}

/** A tensor in row-major order, without gaps; `dtypes` says which array holds which dtype. */
export interface NamedTensor extends TensorInfo {
  readonly name: string;
  readonly data: TensorData;
  /** The data is a matrix's columns one after another: only where `read` was told that it may be. */
  readonly columns?: true;
}

export interface ReadOptions {
  /** A matrix that lies there by its columns may come so. Turning it costs several times what reading it does. */
  columns?: boolean;
}

export type TensorData = InstanceType<(typeof dtypes)[Dtype]["array"]>;

/** Named tensors in a file. Opening reads the table of contents; each `read` reads one tensor. */
export interface Checkpoint {
  readonly names: readonly string[];
  has(name: string): boolean;
  /** @throws NOT_FOUND if there is no such tensor */
  info(name: string): Promise<TensorInfo>;
  /** @throws NOT_FOUND if there is no such tensor, IO if the source fails, FORMAT if its bytes are not what the file says */
  read(name: string, options?: ReadOptions): Promise<NamedTensor>;
  /**
   * Rows of a matrix, ascending, as a matrix of those: where many small reads cost little (a file on this machine).
   * @throws as `read`
   */
  readRows?(name: string, rows: Uint32Array): Promise<NamedTensor>;
  /** What the file says of itself (safetensors' `__metadata__`). */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** @param bytes the tensor's, contiguous and little-endian, as files store them */
export function namedTensor(name: string, { dtype, shape }: TensorInfo, bytes: ArrayBuffer): NamedTensor {
  return { name, dtype, shape, data: new dtypes[dtype].array(bytes) };
}

/** An entry of a checkpoint's table. @throws NOT_FOUND `ae.pt: expected tensor "bias", got encoder.weight, …` */
export function entryOf<E>(table: ReadonlyMap<string, E>, name: string, subject: string): E {
  const entry = table.get(name);
  if (entry === undefined)
    throw new CheckpointError("NOT_FOUND", `${subject}: expected tensor "${name}", got ${list(table.keys())}`);
  return entry;
}

/** `a, b, c, … (12 in all)`, for messages */
export function list(names: Iterable<string>): string {
  const all = [...names];
  if (all.length === 0) return "none";
  return all.slice(0, 8).join(", ") + (all.length > 8 ? `, … (${all.length} in all)` : "");
}
