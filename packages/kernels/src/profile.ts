import type { Spec } from "./defineOp.js";
import { type Tensor } from "./tensor.js";

/** One run of an op, as `device.profile` saw it. */
export interface OpRun {
  op: string;
  inputs: Record<string, Spec>;
  outputs: Record<string, Spec>;
  seconds: number;
}

type Tensors = Readonly<Record<string, Tensor>>;

/** All of a run but its time. */
export function opRun(op: string, inputs: Tensors, outputs: Tensors): Omit<OpRun, "seconds"> {
  return { op, inputs: specsOf(inputs), outputs: specsOf(outputs) };
}

const specsOf = (tensors: Tensors) => Object.fromEntries(Object.entries(tensors).map(([name, { dtype, shape }]) => [name, { dtype, shape: [...shape] }]));
