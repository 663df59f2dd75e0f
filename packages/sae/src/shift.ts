/** Weights with f32[F] `by` added to the encoder's bias: what a constant added to x comes to. */
export const shiftedEncoderBias = <W extends { encoderBias: Float32Array }>(weights: W, by: Float32Array): W => ({
  ...weights,
  encoderBias: weights.encoderBias.map((bias, f) => bias + by[f]),
});
