import type { Device } from "./device.js";
import { KernelError } from "./error.js";
import type { Recorded } from "./tape.js";

export type DType = "f32" | "f16" | "i32" | "u32";
export const bytesOf: Readonly<Record<DType, number>> = { f32: 4, f16: 2, i32: 4, u32: 4 };

/** Device memory behind one or more tensors; freed when the last of them is disposed. */
export interface Storage {
  readonly bytes: number;
  references: number;
}

/**
 * A dense row-major array on a device. Operations never write their inputs (the few that do say so in
 * their name: `copyRowsInto`). There are no views: `reshape` shares the memory and changes the shape only.
 */
export class Tensor {
  #disposed = false;
  constructor(
    readonly device: Device,
    readonly dtype: DType,
    readonly shape: readonly number[],
    readonly storage: Storage,
  ) {
    storage.references++;
    device.scopes.register(this);
  }

  /** Number of elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  get disposed(): boolean {
    return this.#disposed;
  }

  /** A copy of the elements; f16 arrives as Float32Array. */
  read(): Promise<Float32Array | Int32Array | Uint32Array> {
    assertAlive(this);
    return this.device.read(this);
  }

  /** The same elements under another shape, sharing memory. */
  reshape(shape: readonly number[]): Tensor {
    assertAlive(this);
    if (sizeOf(shape) !== this.size) throw new KernelError("SHAPE", `reshape: expected ${this.size} elements, got [${shape.join(",")}] for ${describe(this)}`);
    const y = new Tensor(this.device, this.dtype, [...shape], this.storage);
    this.device.tape?.record(reshaping, { x: this }, { y }, {});
    return y;
  }

  /** Frees the memory once no other tensor shares it. Twice is harmless. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.device.scopes.unregister(this);
    if (--this.storage.references === 0) this.device.free(this.storage);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A reshape as the tape sees it. */
const reshaping: Recorded = {
  name: "reshape",
  saves: [],
  vjp: ({ inputs, cotangents }) => ({ x: cotangents.y!.reshape(inputs.x!.shape) }),
};

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** `f32[4,768]` */
export const describe = (t: { dtype: string; shape: readonly (number | string)[] }): string => `${t.dtype}[${t.shape.join(",")}]`;

export function assertAlive(tensor: Tensor, op = "read"): void {
  if (tensor.disposed) throw new KernelError("DISPOSED", `${op}: expected a live tensor, got ${describe(tensor)} after dispose()`, "keep it out of the scope, or return it from the scope");
}
