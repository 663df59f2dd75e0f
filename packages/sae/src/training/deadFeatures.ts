import { embedding, sum, type Tensor } from "@dictlearn/kernels";

/** How many features a mask names, without waiting for the device. @param mask u32[F], 1 or 0 @returns f32[1] */
export const countOf = (mask: Tensor): Tensor => sum(embedding(mask.device.tensor(Float32Array.of(0, 1), [2, 1]), mask));
