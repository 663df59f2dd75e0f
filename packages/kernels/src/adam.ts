import { adamInto } from "./ops/adamInto.js";
import type { Tensor } from "./tensor.js";

/** What Adam remembers of parameters, by their names. */
export interface AdamState<Name extends string = string> {
  /** Steps taken. */
  step: number;
  readonly m: Readonly<Record<Name, Tensor>>;
  readonly v: Readonly<Record<Name, Tensor>>;
}

/**
 * The Adam optimiser: nothing but its hyper-parameters; all else is in the state.
 * `const state = adam.init(parameters)`, then each step `adam.updateInto(parameters, gradients, state, { lr })`.
 * @param betas decay of the means of gradients and of their squares
 * @param epsilon added to √v after bias correction
 * @see torch.optim.Adam, whose defaults these are
 */
export function adam({ betas: [beta1, beta2] = [0.9, 0.999], epsilon = 1e-8 }: { betas?: readonly [number, number]; epsilon?: number } = {}) {
  return {
    /** State before the first step: zeros, which belong to the caller's scope. */
    init<Name extends string>(parameters: Readonly<Record<Name, Tensor>>): AdamState<Name> {
      const zeros = () => Object.fromEntries(Object.entries<Tensor>(parameters).map(([name, tensor]) => [name, tensor.device.zeros(tensor.shape)])) as Record<Name, Tensor>;
      return { step: 0, m: zeros(), v: zeros() };
    },
    /** Moves the parameters by one step, and the state on; both are changed in place. */
    updateInto<Name extends string>(parameters: Readonly<Record<Name, Tensor>>, gradients: Readonly<Record<Name, Tensor>>, state: AdamState<Name>, { lr }: { lr: number }): void {
      const step = ++state.step;
      for (const name of Object.keys(parameters) as Name[]) adamInto(parameters[name], gradients[name], state.m[name], state.v[name], { lr, beta1, beta2, epsilon, step });
    },
  };
}
