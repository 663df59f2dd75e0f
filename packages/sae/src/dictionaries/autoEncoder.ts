import { encodeRelu, type Device } from "@dictlearn/kernels";
import { type Dictionary } from "../dictionary.js";
import { type SavedClass } from "../formats/savedClass.js";
import { type Matrix } from "../matrix.js";
import { unitDecoder } from "../normalize.js";
import { onDevice } from "../onDevice.js";
import { shiftedEncoderBias } from "../shift.js";

export interface AutoEncoderWeights {
  decoderBias: Float32Array; // f32[D], also taken from x
  encoder: Matrix; //           f32[F,D]
  encoderBias: Float32Array; // f32[F]
  decoder: Matrix; //           f32[F,D]
}

/**
 * f = relu((x - decoderBias) · encoderᵀ + encoderBias), x̂ = f · decoder + decoderBias.
 * @see Bricken et al. 2023, "Towards Monosemanticity"
 */
export function autoEncoder(device: Device, weights: AutoEncoderWeights): Dictionary {
  const { encoderBias } = weights;
  return onDevice(device, "AutoEncoder", weights, { encoderBias }, { centred: true, apart: true }, (x, w) => encodeRelu(x, w.encoder, w.encoderBias));
}

/** dictionary_learning's `AutoEncoder`; its from_pretrained makes the decoder's columns unit vectors unless told not to. */
export const savedAutoEncoder: SavedClass<AutoEncoderWeights> = {
  name: "AutoEncoder",
  tensors: {
    decoderBias: { name: "bias", shape: ["D"], scaled: true },
    encoder: { name: "encoder.weight", shape: ["F", "D"], transposed: true },
    encoderBias: { name: "encoder.bias", shape: ["F"], scaled: true },
    decoder: { name: "decoder.weight", shape: ["D", "F"] },
  },
  normalize: unitDecoder,
  centred: true,
  shifted: shiftedEncoderBias,
  open: autoEncoder,
};
