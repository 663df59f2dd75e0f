import { copyRowsInto, type Device, type Tensor } from "@dictlearn/kernels";
import { powersAt, type Annealing } from "./annealing.js";

/**
 * A penalty α l_p that stays as strong as it was when p moves on: then α is multiplied by ⟨l_p⟩ / ⟨l_next p⟩ over the
 * last few steps.
 */
export class AnnealedPenalty {
  /** f32[2 length,1]: pairs of l_p and l_next p in turns; the place of the next follows from the step. */
  readonly pairs: Tensor;
  /** α, to be saved. */
  readonly numbers: { coefficient: number };

  constructor(
    device: Device,
    private readonly annealing: Annealing,
    options: { initial: number; length: number },
  ) {
    this.pairs = device.keep(device.zeros([2 * options.length, 1]));
    this.numbers = { coefficient: options.initial };
  }

  /** What a step's loss is made with. */
  at(step: number): { p: number; nextP: number | null; coefficient: number } {
    return { ...powersAt(this.annealing, step), ...this.numbers };
  }

  /**
   * Notes a step's penalties of p and of the next p, f32[1], once there is a next p; where p moves on after this step, adapts α,
   * for which it waits for the device.
   */
  after(step: number, now: Tensor, next: Tensor): void | Promise<void> {
    if (this.at(step).nextP === null) return;
    const place = (step - this.annealing.updateSteps[0] - 1) % (this.pairs.size / 2);
    [now, next].forEach((value, i) => copyRowsInto(this.pairs, value.reshape([1, 1]), { at: 2 * place + i }));
    if (this.annealing.updateSteps.includes(step)) return this.#adapt();
  }

  /** The ratio of the sums is that of the means: places without a pair yet hold zeros. */
  async #adapt(): Promise<void> {
    const pairs = (await this.pairs.read()) as Float32Array;
    const sumOf = (column: number) => pairs.reduce((sum, value, i) => (i % 2 === column ? sum + value : sum), 0);
    const ratio = sumOf(0) / sumOf(1);
    if (Number.isFinite(ratio) && ratio > 0) this.numbers.coefficient *= ratio; // else no feature was on in any of the steps
  }

  /** What is logged: what holds after the step, as in dictionary_learning. */
  log(step: number): Record<string, number> {
    const { p, nextP, coefficient } = this.at(step + 1);
    return { p, ...(nextP !== null && { next_p: nextP }), sparsity_coeff: coefficient };
  }
}
