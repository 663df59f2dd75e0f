import { adam, clipNormInto, normaliseRowsInto, removeParallelInto, type AdamState, type Tensor } from "@dictlearn/kernels";
import { type Parameters } from "./parameters.js";

/** Adam's running means of the gradients (m) and of their squares (v), one of each a parameter. */
export type Adam<Name extends string = string> = Pick<AdamState<Name>, "m" | "v">;

export interface AdamOptions {
  lr: number;
  /** Counted from 0. */
  step: number;
  /** Default 0.9 */
  beta1?: number;
}

/** Zeros, kept until they are disposed. */
export function adamFor<Name extends string>(parameters: Parameters<Name>): Adam<Name> {
  const { m, v } = adam().init(parameters);
  for (const zeros of [m, v].flatMap(Object.values<Tensor>)) zeros.device.keep(zeros);
  return { m, v };
}

/** One step of Adam for every parameter; β₂ = 0.999 and ε = 1e-8 as in PyTorch. */
export function adamStep<Name extends string>({ m, v }: Adam<Name>, parameters: Parameters<Name>, gradients: Parameters<Name>, { lr, step, beta1 = 0.9 }: AdamOptions): void {
  adam({ betas: [beta1, 0.999] }).updateInto(parameters, gradients, { m, v, step }, { lr });
}

/**
 * Adam that keeps decoder rows at norm 1: what would lengthen them is taken out of their gradient before, their norm after.
 * dictionary_learning's ConstrainedAdam, of its Standard, Gated and annealing trainers. Changes the gradients.
 */
export function constrainedAdam<Name extends string>(adam: Adam<Name | "decoder">, parameters: Parameters<Name | "decoder">, gradients: Parameters<Name | "decoder">, options: AdamOptions): void {
  removeParallelInto(gradients.decoder, parameters.decoder, { epsilon: 0 });
  adamStep(adam, parameters, gradients, options);
  normaliseRowsInto(parameters.decoder, { epsilon: 0 });
}

/**
 * The same in the order of dictionary_learning's TopK family and JumpReLU: projection (norm + 1e-6), all gradients clipped
 * to norm 1, Adam, decoder rows divided by their norm + 2⁻²³. Changes the gradients.
 * @returns f32[1], the gradients' norm before clipping
 */
export function projectedAdam<Name extends string>(adam: Adam<Name | "decoder">, parameters: Parameters<Name | "decoder">, gradients: Parameters<Name | "decoder">, options: AdamOptions): Tensor {
  removeParallelInto(gradients.decoder, parameters.decoder, { epsilon: 1e-6 });
  const norm = clipNormInto(Object.values<Tensor>(gradients), { max: 1 });
  adamStep(adam, parameters, gradients, options);
  normaliseRowsInto(parameters.decoder, { epsilon: 2 ** -23 });
  return norm;
}
