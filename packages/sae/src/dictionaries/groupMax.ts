import { defineOp, eachElement, grid, linear, SparseFeatures, type Device } from "@dictlearn/kernels";
import { type Dictionary } from "../dictionary.js";
import { type DictionaryClass, type Variants } from "../formats/savedClass.js";
import { type Matrix } from "../matrix.js";
import { onDevice } from "../onDevice.js";
import { shiftedEncoderBias } from "../shift.js";

export interface GroupMaxWeights {
  decoderBias: Float32Array; // f32[D], also taken from x
  /** Groups: F/k consecutive features each, of which the largest is kept. */
  k: number;
  encoder: Matrix; //           f32[F,D]
  encoderBias: Float32Array; // f32[F]
  decoder: Matrix; //           f32[F,D]
}

/** The largest of each of k groups in every row; of equal ones the first. */
const groupMaxOp = defineOp<{ y: Float32Array }, { rowStart: Uint32Array; index: Uint32Array; values: Float32Array }, { k: number }>({
  name: "groupMax",
  outputs: ({ y }, { k }) => ({
    rowStart: { dtype: "u32", shape: [y.shape[0] + 1] },
    index: { dtype: "u32", shape: [y.shape[0] * k] },
    values: { dtype: "f32", shape: [y.shape[0] * k] },
  }),
  reference({ y }, { rowStart, index, values }, { k }) {
    const [B, F] = y.shape;
    const size = F / k;
    for (let b = 0; b <= B; b++) rowStart.data[b] = b * k;
    for (let i = 0; i < B * k; i++) {
      let best = i * size;
      for (let f = best + 1; f < (i + 1) * size; f++) if (y.data[f] > y.data[best]) best = f;
      index.data[i] = best % F;
      values.data[i] = Math.max(0, y.data[best]);
    }
  },
  wgsl: ({ y }, { rowStart, index, values }, { k }) => ({
    code: eachElement(`

  var best = index * p.size;
  for (var f = best + 1u; f < (index + 1u) * p.size; f++) { if (y[f] > y[best]) { best = f; } }
  feature[index] = best % p.F;
  values[index] = max(0.0, y[best]);
  if (index % p.k == 0u) { rowStart[index / p.k] = index; }
  if (index + 1u == p.n) { rowStart[p.n / p.k] = p.n; }`),
    read: { y },
    write: { rowStart, feature: index, values },
    u32: { n: values.size, k, F: y.shape[1], size: y.shape[1] / k },
    workgroups: grid(Math.ceil(values.size / 256)),
  }),
});

/** f = the largest of each of k groups of relu((x - decoderBias) · encoderᵀ + encoderBias), x̂ = f · decoder + decoderBias. */
export function groupMax(device: Device, weights: GroupMaxWeights, { applyDecoderBiasToInput: centred = true }: Pick<Variants, "applyDecoderBiasToInput"> = {}): Dictionary {
  const { encoderBias, k } = weights;
  return onDevice(device, "GroupMax", weights, { encoderBias }, { centred }, (x, w) => {
    const { rowStart, index, values } = groupMaxOp({ y: linear(x, w.encoder, w.encoderBias) }, { k });
    return new SparseFeatures([x.shape[0], encoderBias.length], rowStart, index, values);
  });
}

/** sparsify's dictionaries with `activation: "groupmax"`; dictionary_learning has none such. */
export const groupMaxClass: DictionaryClass<GroupMaxWeights> = {
  name: "GroupMax",
  variants: ["applyDecoderBiasToInput"],
  centred: true,
  wrong: ({ k, encoderBias: { length: F } }) => (k >= 1 && F % k === 0 ? undefined : `k that divides ${F}, got ${k}`),
  shifted: shiftedEncoderBias,
  open: groupMax,
};
