import { segmentLast, segmentMax, type Tensor } from "@dictlearn/kernels";

/** How the activations of a sentence's tokens become one vector: f32[N,D], u32[R+1] → f32[R,D]; undefined for the mean, which the model gives by itself. */
export const poolers = {
  /** Over the sentence's own tokens. */
  mean: undefined,
  /** Over every position of the padded batch, as the original script: a sentence's vector depends on the longest beside it. */
  "padded-mean": undefined,
  max: segmentMax,
  last: segmentLast,
} satisfies Record<string, ((x: Tensor, start: Tensor) => Tensor) | undefined>;

export type Pooling = keyof typeof poolers;
export const poolings = Object.keys(poolers) as readonly Pooling[];
