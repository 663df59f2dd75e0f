import type { Tensor } from "../tensor.js";
import { byFeature } from "./byFeature.js";
import { denseColumns, isDense, type Support } from "./dense.js";
import { linear, matmul } from "./linear.js";
import { sumByFeature, sumRowsByFeature } from "./sumByFeature.js";
import { inTiles } from "./tiles.js";
import { shift } from "./unary.js";

/** Sums over the rows that have a feature, in their order: the gradients of what there is once a feature. */
export interface FeatureSums {
  /** y[f] = Σ coefficients[e] rows[b] over the entries e of feature f, b their rows. @param coefficients f32[capacity] @param rows f32[B,D] @returns f32[F,D] */
  rows(coefficients: Tensor, rows: Tensor): Tensor;
  /** y[f] = Σ coefficients[e]. @param coefficients f32[capacity] @returns f32[F] */
  totals(coefficients: Tensor): Tensor;
}

/** By the entries where they are few, else by dense products of tiles of features. */
export function overFeatures(support: Support): FeatureSums {
  const { rowStart, index, shape: [B, F] } = support;
  if (!isDense(support)) {
    const order = byFeature(rowStart, index, { F });
    return { rows: (coefficients, rows) => sumRowsByFeature(order, coefficients, rows), totals: (coefficients) => sumByFeature(order, coefficients) };
  }
  const { device } = index;
  return {
    rows: (coefficients, rows) => inTiles(device, [F, rows.shape[1]], B, (range) => matmul(denseColumns(support, coefficients, range), rows)),
    totals: (coefficients) =>
      device.scope(() => {
        const ones = shift(device.zeros([1, B]), 1);
        return inTiles(device, [F, 1], B, (range) => linear(ones, denseColumns(support, coefficients, range)).reshape([range.end - range.start, 1])).reshape([F]);
      }),
  };
}
