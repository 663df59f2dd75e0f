import { KernelError } from "../error.js";
import type { Storage, Tensor } from "../tensor.js";

/** A kernel of the WASM module, its 32-bit arguments, and how many independent tasks its work is cut into. */
export interface WasmCall {
  kernel: string;
  args: readonly number[];
  tasks: number;
}

/** Memory on the cpu device: an address in the WASM memory. */
export interface CpuStorage extends Storage {
  readonly address: number;
}

/** The address of a tensor, as an argument of a kernel. */
export const address = (tensor: Tensor): number => (tensor.storage as CpuStorage).address;

const bits = new DataView(new ArrayBuffer(4));
/** A float as an argument of a kernel: its bits. */
export function f32Bits(value: number): number {
  bits.setFloat32(0, value);
  return bits.getUint32(0);
}

/** A double as two arguments of a kernel: its bits, low word first. */
export function f64Bits(value: number): readonly [number, number] {
  wide.setFloat64(0, value);
  return [wide.getUint32(4), wide.getUint32(0)];
}
const wide = new DataView(new ArrayBuffer(8));

/** The most arguments a kernel takes; the job block in memory has this many words for them. */
export const MAX_ARGS = 24;

export function assertArgs(call: WasmCall): void {
  if (call.args.length > MAX_ARGS) throw new KernelError("USAGE", `${call.kernel}: expected at most ${MAX_ARGS} arguments, got ${call.args.length}`);
}
