import type { Gemm } from "./cpu/gemm.js";
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
/** Of named inputs or outputs those that have gradients: the ones of floats. */
type FloatKeys<N> = { [K in keyof N]-?: NonNullable<N[K]> extends Float32Array ? K : never }[keyof N];
type Hosts<N> = { [K in keyof N]: NonNullable<N[K]> extends Elements ? Host<NonNullable<N[K]>> : never };

/** What a vjp knows. */
export interface Backward<I, O, P> {
  /** As the op was called; only those that it `saves` may be read, of the others there is the shape. */
  inputs: Tensors<I>;
  outputs: Tensors<O>;
  /** The slope of the loss in each float output, of its shape; zeros where the loss does not depend on one of several. */
  cotangents: { [K in FloatKeys<O>]: Tensor };
  params: P;
  /** Which inputs' gradients anybody will use. */
  needs: { readonly [K in FloatKeys<I>]: boolean };
}
/** The slope of the loss in each input that is needed, of its shape. */
export type Slopes<I> = { [K in FloatKeys<I>]?: Tensor | false };

/** What the tape asks of an op or a composite. */
export interface Differentiable<I, O, P> {
  name: string;
  /**
   * Vector-Jacobian product: from the cotangents of the outputs to those of the inputs, in terms of other ops.
   * `vjp: ({ inputs: { a, b }, cotangents: { y }, needs }) => ({ a: needs.a && mul(y, b), b: needs.b && mul(y, a) })`.
   * What it makes on the way is freed behind it.
   */
  vjp?(at: Backward<I, O, P>): Slopes<I>;
  /** The inputs and outputs that `vjp` reads, which the tape keeps until then; all, unless they are named. */
  saves?: readonly ((keyof I | keyof O) & string)[];
}

/**
 * One operation, declared in one place. `I` and `O` name its inputs and outputs and their host arrays.
 * - `outputs` is the shape rule: it checks the inputs and says what comes out.
 * - `reference` is the specification: plain loops over host arrays. Every backend is tested against it,
 *   and an op without `wasm` runs it on cpu.
 * - `wasm` names the kernel of the op's `.as.ts` file and packs its arguments; several run one after another.
 * - `gemm` says that the op is one dense product, which another engine of the cpu may compute.
 * - `wgsl` gives the compute passes.
 * - `vjp` (with `saves`) is its gradient: see docs/kernels.md.
 * - `writes` names inputs that are changed in place; such an op says `Into` in its name.
 * - `unbounded` names outputs, and inputs that it writes, where infinity is an answer (a bound, the least of nothing): `watchFinite` leaves them out.
 */
export interface OpDefinition<I, O, P> extends Differentiable<I, O, P> {
  outputs(inputs: Tensors<I>, params: P): { [K in keyof O]: Spec };
  reference(inputs: Hosts<I>, outputs: Hosts<O>, params: P): void;
  wasm?(inputs: Tensors<I>, outputs: Tensors<O>, params: P): WasmCall | WasmCall[];
  gemm?(inputs: Tensors<I>, outputs: Tensors<O>, params: P): Gemm;
  wgsl?(inputs: Tensors<I>, outputs: Tensors<O>, params: P): Dispatch | Dispatch[];
  writes?: readonly (keyof I & string)[];
  unbounded?: readonly ((keyof I | keyof O) & string)[];
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
    const { given, device } = gather(definition.name, inputs as Record<string, Tensor | undefined>);
    device.tape?.assertWritable(op, given);
    const specs = Object.entries<Spec>(definition.outputs(inputs, params));
    const outputs = Object.fromEntries(specs.map(([name, spec]) => [name, device.empty(spec.dtype, spec.shape)]));
    device.run(op, given, outputs, params);
    device.tape?.record(op, given, outputs, params);
    return outputs as Tensors<O>;
  };
}

/** A function of several ops with a vjp of its own: on a tape it is one step, and the ops inside are not recorded. */
export interface CompositeDefinition<I, O, P> extends Differentiable<I, O, P> {
  /** What it makes on the way is freed; an output is a tensor made inside, never an input. */
  forward(inputs: Tensors<I>, params: P): Tensors<O>;
}

/** Makes a composite callable. @throws as its ops do; KernelError DISPOSED, USAGE as `defineOp` */
export function defineComposite<I extends object, O extends object, P extends object = Record<never, never>>(definition: CompositeDefinition<I, O, P>) {
  return (inputs: Tensors<I>, params: P): Tensors<O> => {
    const { given, device } = gather(definition.name, inputs as Record<string, Tensor | undefined>);
    const { tape } = device;
    device.tape = undefined;
    try {
      const outputs = device.scope(() => definition.forward(inputs, params));
      tape?.record(definition as unknown as Op, given, outputs as Record<string, Tensor>, params);
      return outputs;
    } finally {
      device.tape = tape;
    }
  };
}

/** The inputs that there are, and their device. */
function gather(op: string, inputs: Readonly<Record<string, Tensor | undefined>>) {
  const all = Object.entries(inputs).filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
  const { device } = all[0]![1];
  for (const [name, tensor] of all) {
    assertAlive(tensor, op);
    if (tensor.device !== device) throw new KernelError("USAGE", `${op}: expected ${name} on the device of ${all[0]![0]} (${device.label}), got ${describe(tensor)} on ${tensor.device.label}`);
  }
  return { given: Object.fromEntries(all), device };
}
