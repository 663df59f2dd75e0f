import { add, decodeSparse, div, encodeTopKDead, mul, scale, shift, sub, sumColumns, sumSquares, whereActive, type Tensor } from "@dictlearn/kernels";
import { countOf } from "./deadFeatures.js";
import { type TopKParameters } from "./topKAutoEncoder.js";

/**
 * What dead features learn from: to reconstruct the residual e that the others leave, ⟨|e - z decoder|²⟩ / ⟨|e - ē|²⟩ with z the
 * k largest dead features of each row and ē the mean of e. 0 where none is dead, or where all rows of e are the same.
 * @param x f32[B,D], less the decoder's bias
 * @param residual f32[B,D], a constant: nothing is learnt through it
 * @param dead u32[F], 1 or 0
 * @returns f32[1] each: the loss; its numerator, -1 where none is dead; how many are dead
 * @see Gao et al. 2024, "Scaling and evaluating sparse autoencoders", §A.2
 */
export function auxiliaryLoss(p: TopKParameters, x: Tensor, residual: Tensor, dead: Tensor, { k }: { k: number }): { loss: Tensor; squares: Tensor; count: Tensor } {
  const [B] = x.shape;
  const meanSquare = (rows: Tensor) => scale(sumSquares(rows), 1 / B);
  const revived = encodeTopKDead(x, p.encoder, p.encoderBias, dead, { k }); // [B,F]
  const squares = meanSquare(sub(residual, decodeSparse(revived, p.decoder)));
  const spread = meanSquare(sub(residual, scale(sumColumns(residual), 1 / B)));
  const count = countOf(dead);
  const one = shift(count.device.zeros([1]), 1);
  const any = whereActive(count, one); // 1 where one is dead, else 0
  return { loss: mul(squares, mul(any, whereActive(spread, div(one, spread)))), squares: add(mul(squares, any), shift(any, -1)), count };
}
