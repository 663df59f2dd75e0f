import type { WasmCall } from "./cpu/wasmCall.js";
import { KernelError } from "./error.js";
import { assertAlive, describe, type DType, type Tensor } from "./tensor.js";
import type { Dispatch } from "./webgpu/dispatch.js";

/** What an op will make: `{ dtype: "f32", shape: [B, D] }`. */
export interface Spec {
  dtype: DType;
  shape: readonly number[];
}

/** A tensor as the reference sees it: shape and elements (f16 inputs already widened to f32). */
export interface Host<A extends Elements = Float32Array> {
  readonly shape: readonly number[];
  readonly data: A;
}
type Elements = Float32Array | Int32Array | Uint32Array;
type Tensors<N> = { [K in keyof N]: Tensor };
type Hosts<N> = { [K in keyof N]: NonNullable<N[K]> extends Elements ? Host<NonNullable<N[K]>> : never };

/**
 * One operation, declared in one place. `I` and `O` name its inputs and outputs and their host arrays.
 * - `outputs` is the shape rule: it checks the inputs and says what comes out.
 * - `reference` is the specification: plain loops over host arrays. Every backend is tested against it,
 *   and an op without `wasm` runs it on cpu.
 * - `wasm` names the kernel of the op's `.as.ts` file and packs its arguments.
 * - `wgsl` gives the compute passes.
 * - `writes` names inputs that are changed in place; such an op says `Into` in its name.
 */
export interface OpDefinition<I, O, P> {
  name: string;
  outputs(inputs: Tensors<I>, params: P): { [K in keyof O]: Spec };
  reference(inputs: Hosts<I>, outputs: Hosts<O>, params: P): void;
  wasm?(inputs: Tensors<I>, outputs: Tensors<O>, params: P): WasmCall;
  wgsl?(inputs: Tensors<I>, outputs: Tensors<O>, params: P): Dispatch | Dispatch[];
  writes?: readonly (keyof I & string)[];
}

/** An op as a device sees it, its names erased. */
export type Op = OpDefinition<Record<string, never>, Record<string, never>, never>;

/**
 * Makes an op callable: checks the shapes, allocates the outputs, and runs it on the device of its inputs.
 * @throws ShapeError from the op's own rule; KernelError DISPOSED; KernelError USAGE when inputs are on two devices
 */
export function defineOp<I extends object, O extends object, P extends object = Record<never, never>>(definition: OpDefinition<I, O, P>) {
  // Inside a device every op looks alike; the names that I, O and P give are checked here, at the call.
  const op = definition as unknown as Op;
  return (inputs: Tensors<I>, params: P): Tensors<O> => {
    const given = Object.entries<Tensor | undefined>(inputs as Record<string, Tensor>).filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
    const device = given[0]![1].device;
    for (const [name, tensor] of given) {
      assertAlive(tensor, definition.name);
      if (tensor.device !== device) throw new KernelError("USAGE", `${definition.name}: expected ${name} on the device of ${given[0]![0]} (${device.label}), got ${describe(tensor)} on ${tensor.device.label}`);
    }
    const specs = Object.entries<Spec>(definition.outputs(inputs, params));
    const outputs = Object.fromEntries(specs.map(([name, spec]) => [name, device.empty(spec.dtype, spec.shape)]));
    device.run(op, Object.fromEntries(given), outputs, params);
    return outputs as Tensors<O>;
  };
}
