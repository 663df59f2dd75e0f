import { readFileSync } from "node:fs";
import { type Tensor } from "@dictlearn/kernels";
import { devices, expectClose, oracle, readOracle } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { adamFor, constrainedAdam, projectedAdam } from "./adam.js";

const rowsOf = (matrix: Float32Array, [D, F]: number[]) => Float32Array.from({ length: D * F }, (_, at) => matrix[(at % D) * F + Math.floor(at / D)]);

/** Without what lies along a decoder row, d / (|d| + 1e-6). */
function projected(gradients: Record<string, Float32Array>, decoder: Float32Array): Record<string, Float32Array> {
  const gradient = gradients.decoder.slice();
  for (let f = 0; f < 64; f++) {
    const [row, along] = [decoder.subarray(f * 16, (f + 1) * 16), gradient.subarray(f * 16, (f + 1) * 16)];
    const unit = row.map((value) => value / (Math.hypot(...row) + 1e-6));
    const dot = unit.reduce((sum, value, d) => sum + value * along[d], 0);
    unit.forEach((value, d) => (along[d] -= dot * value));
  }
  return { ...gradients, decoder: gradient };
}
/** Scaled to a norm of 1 in all. */
const clipped = (gradients: Record<string, Float32Array>, norm: number) => Object.fromEntries(Object.entries(gradients).map(([name, data]) => [name, data.map((value) => value * Math.min(1, 1 / (norm + 1e-6)))]));

describe.each(await devices())("on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    ["standard", constrainedAdam],
    ["gated", constrainedAdam],
    ["topk", projectedAdam], // of these the norm was recorded; the rest is worked out below
    ["batch_topk", projectedAdam],
  ] as const)("what Adam reads in step 10 of %s is what it read in dictionary_learning", (run, update) =>
    device!.scope(async () => {
      const recorded = readOracle(`trainers/${run}.safetensors`);
      const names = Object.keys(recorded).filter((name) => name.startsWith("grad_10/")).map((name) => name.slice("grad_10/".length));
      const ours = (name: string) => (name === "decoder.weight" ? "decoder" : name);
      const tensors = (tag: string): Record<string, Float32Array> => Object.fromEntries(names.map((name) => [ours(name), name === "decoder.weight" ? rowsOf(recorded[`${tag}/${name}`].data as Float32Array, recorded[`${tag}/${name}`].shape) : (recorded[`${tag}/${name}`].data as Float32Array)]));
      const up = (of: Record<string, Float32Array>) =>
        Object.fromEntries(Object.entries(of).map(([name, data]) => [name, device!.tensor(data, name === "decoder" ? [64, 16] : [data.length])])) as Record<"decoder", Tensor>;

      const [parameters, gradients] = [up(tensors("after_10")), up(tensors("grad_10"))];
      const adam = adamFor(parameters);
      const norm = update(adam, parameters, gradients, { lr: 1e-3, step: 10 });
      const { grad_norm_before_clip: norms } = JSON.parse(readFileSync(oracle(`trainers/${run}.json`), "utf8")).per_step;
      expect(norm === undefined).toBe(norms === undefined);
      if (norm) expectClose(await norm.read(), [norms[10]], { relative: 1e-6 });
      const read = norm ? clipped(projected(tensors("grad_10"), tensors("after_10").decoder), norms[10]) : tensors("adam_grad_10");
      for (const [name, expected] of Object.entries(read)) expectClose(await (gradients as Record<string, Tensor>)[name].read(), expected, { absolute: 1e-6 * Math.max(...expected.map(Math.abs)) });

      const decoder = (await parameters.decoder.read()) as Float32Array;
      expectClose(Array.from({ length: 64 }, (_, f) => Math.hypot(...decoder.subarray(f * 16, (f + 1) * 16))), new Float32Array(64).fill(1), { absolute: 3e-7 });
      for (const tensor of [...Object.values(adam.m), ...Object.values(adam.v)]) tensor.dispose();
    }),
  );
});
