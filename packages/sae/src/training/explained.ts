import { div, scale, shift, stopGradient, sub, sumColumns, sumSquares, type Tensor } from "@dictlearn/kernels";

/** Means over the rows from which `fractionExplained` follows, so that a batch may come in parts. */
export interface Moments {
  /** f32[D] */
  readonly meanX: Tensor;
  /** f32[D] */
  readonly meanError: Tensor;
  /** f32[1] ⟨|x|²⟩ */
  readonly squaredX: Tensor;
  /** f32[1] ⟨|x - x̂|²⟩ */
  readonly squaredError: Tensor;
}

/** @param x f32[B,D] @param error f32[B,D], x - x̂; no gradient flows back */
export function momentsOf(x: Tensor, error: Tensor): Moments {
  const mean = (of: Tensor) => scale(of, 1 / x.shape[0]);
  const residual = stopGradient(error);
  return { meanX: mean(sumColumns(x)), meanError: mean(sumColumns(residual)), squaredX: mean(sumSquares(x)), squaredError: mean(sumSquares(residual)) };
}

/** 1 - Var(x - x̂) / Var(x), variances added up over the columns. @returns f32[1] */
export function fractionExplained({ meanX, meanError, squaredX, squaredError }: Moments): Tensor {
  const unexplained = div(sub(squaredError, sumSquares(meanError)), sub(squaredX, sumSquares(meanX)));
  return shift(scale(unexplained, -1), 1);
}
