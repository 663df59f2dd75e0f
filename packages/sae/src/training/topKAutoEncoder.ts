import { copyRowsInto, geometricMedian, type Tensor } from "@dictlearn/kernels";
import { type SavedClass } from "../formats/savedClass.js";
import { type Setting } from "../trainer.js";
import { randomDirections } from "./initial.js";
import { upload, type Parameters } from "./parameters.js";
import { rngOf } from "./random.js";

export type TopKParameters = Parameters<"decoderBias" | "encoder" | "encoderBias" | "decoder">;

/**
 * A dictionary of the TopK family to train, as dictionary_learning starts it: decoder rows of norm 1, the encoder the same,
 * biases 0. Their directions are even on the sphere here, there those of points in a cube.
 */
export function startTopKAutoEncoder(trainer: string, saved: SavedClass<object>, F: number, setting: Setting): TopKParameters {
  const { D } = setting;
  const random = () => {
    const decoder = randomDirections(F, D, 1, rngOf(setting, "init"));
    return { decoder, encoder: decoder, encoderBias: new Float32Array(F), decoderBias: new Float32Array(D) };
  };
  return upload(trainer, setting, saved, ["decoderBias", "encoder", "encoderBias", "decoder"], F, random);
}

/** Moves the decoder's bias to the geometric median of a batch. @param decoderBias f32[D], changed in place @param x f32[B,D] */
export function startAtMedian(decoderBias: Tensor, x: Tensor): void {
  const row = [1, decoderBias.size];
  copyRowsInto(decoderBias.reshape(row), geometricMedian(x, { iterations: 100, tolerance: 1e-5 }).reshape(row), { at: 0 });
}
