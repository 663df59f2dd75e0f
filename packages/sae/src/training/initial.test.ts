import { openRng } from "@dictlearn/kernels";
import { devices, expectClose, readOracle } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { gated, standard } from "../index.js";

const [D, F] = [16, 4000];
const rows = (matrix: Float32Array) => Array.from({ length: matrix.length / D }, (_, f) => matrix.subarray(f * D, (f + 1) * D));
const norms = (matrix: Float32Array) => rows(matrix).map((row) => Math.hypot(...row));
const started = async (spec: ReturnType<typeof standard>) => {
  const [{ device }] = await devices();
  const trainer = spec.start({ device: device!, D, steps: 10, seed: 11 });
  const weights = (await trainer.weights()) as Record<string, Float32Array>;
  trainer.dispose();
  return weights;
};

test.each([
  ["standard", standard({ features: F }), 0.1],
  ["gated", gated({ features: F }), 1],
])("%s starts with decoder rows of the recorded norm in directions that favour none, and the encoder alike", async (run, spec, norm) => {
  const recorded = readOracle(`trainers/${run === "standard" ? "standard_decay" : run}.safetensors`);
  expectClose([Math.hypot(...Array.from({ length: D }, (_, d) => recorded["init/decoder.weight"].data[d * 64]))], [norm], { relative: 1e-6 });
  const { encoder, decoder } = await started(spec);
  expectClose(norms(decoder), new Float32Array(F).fill(norm), { relative: 1e-6 });
  expect(encoder).toEqual(decoder);
  // for directions u even on the sphere: ⟨u⟩ = 0, ⟨uᵢuⱼ⟩ = δ/D; variance of uᵢ² is 2(D-1)/(D²(D+2)), of uᵢuⱼ 1/(D(D+2))
  for (let i = 0; i < D; i++)
    for (let j = 0; j <= i; j++) {
      const moment = rows(decoder).reduce((sum, row) => sum + (row[i] * row[j]) / norm ** 2, 0) / F;
      const sigma = Math.sqrt((i === j ? (2 * (D - 1)) / (D * D * (D + 2)) : 1 / (D * (D + 2))) / F);
      expect(Math.abs(moment - (i === j ? 1 / D : 0))).toBeLessThan(5 * sigma);
    }
  for (let i = 0; i < D; i++) expect(Math.abs(rows(decoder).reduce((sum, row) => sum + row[i] / norm, 0) / F)).toBeLessThan(5 * Math.sqrt(1 / D / F));
});

test("encoder biases of an AutoEncoder are even between ±1/√D, as PyTorch starts a linear layer", async () => {
  const { encoderBias, decoderBias } = await started(standard({ features: F }));
  expect(decoderBias).toEqual(new Float32Array(D));
  const bound = 1 / Math.sqrt(D);
  expect(Math.max(...encoderBias.map(Math.abs))).toBeLessThanOrEqual(bound);
  const quarters = [0, 0, 0, 0];
  for (const bias of encoderBias) quarters[Math.min(3, Math.floor((2 * (bias + bound)) / bound))]++;
  for (const count of quarters) expect(Math.abs(count - F / 4)).toBeLessThan(5 * Math.sqrt((F * 3) / 16));
});

test("a GatedAutoEncoder's biases and magnitudes start at 0", async () => {
  const weights = await started(gated({ features: 8 }));
  for (const name of ["decoderBias", "gateBias", "magnitudeBias", "magnitudeLog"]) expect(weights[name].every((value) => value === 0)).toBe(true);
});

test("the start is the seed's init stream", async () => {
  const { decoder } = await started(standard({ features: 3 }));
  const drawn = openRng({ seed: 11, stream: "init" }).normal(3 * D);
  const length = norms(drawn);
  expectClose(decoder, drawn.map((value, at) => (0.1 * value) / length[Math.floor(at / D)]), { relative: 1e-6 });
});
