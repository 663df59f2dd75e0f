import { WebGpuDevice } from "@dictlearn/kernels";
import { devices } from "@dictlearn/testing";
import { harvest, openModel } from "dictlearn";
import { describe, expect, test } from "vitest";
import { expectMemory } from "./expectMemory.js";

const small = { D: 512, features: [4096], sites: 1, batchSize: 4096, bufferTokens: 81_920, passBytes: 0 };
const found = await devices();
const cpu = found.find(({ device }) => device?.kind === "cpu")!.device!;

test("on the CPU all of a run has to fit WebAssembly's addresses, the model too", () => {
  expect(() => expectMemory(small, cpu)).not.toThrow();
  expect(() => expectMemory({ ...small, features: [300_000] }, cpu)).toThrow(/^memory: expected at most [\d.]+ GB on the CPU, got 5,\d{3},\d{3},\d{3} bytes: dictionaries with gradients and moments 4\.9 GB, /);
  expect(() => expectMemory({ ...small, passBytes: 5e9 }, cpu)).toThrow(/, model 5 GB$/);
});

describe.each(found.filter(({ name }) => name !== "cpu"))("on $name", ({ device, skipped }) => {
  test.skipIf(skipped)("a matrix past the largest buffer is told with its bytes", () => {
    if (!(device instanceof WebGpuDevice)) return;
    const { bufferBytes } = device.limits;
    const F = Math.floor(bufferBytes / (4 * small.D));
    expect(() => expectMemory({ ...small, features: [8, F] }, device)).not.toThrow();
    expect(() => expectMemory({ ...small, features: [8, F + 1] }, device)).toThrow(`memory: expected arrays of at most ${bufferBytes.toLocaleString("en")} bytes on ${device.label}, got ${(4 * small.D * (F + 1)).toLocaleString("en")}: a decoder of ${(F + 1).toLocaleString("en")} features of width 512`);
  });
});

test("a model's share is what its weights take up to the last site, and its passes", async () => {
  const model = await openModel("demo", { device: cpu });
  const { vocabulary: V, width: D } = model.neox.config;
  const before = cpu.bytesInUse;
  const weights = model.neox.bytesFor(["layers.1.resid_post", "embed"], 0);
  await model.neox.load("layers.1.resid_post");
  const ids = Uint32Array.from({ length: 64 * Math.ceil(V / 8 / 64 + 1) }, (_, n) => n); // so many distinct tokens that the whole embedding is read
  await model.neox.run({ tokens: ids, start: Uint32Array.from({ length: ids.length / 64 + 1 }, (_, r) => 64 * r), positions: ids.map((n) => n % 64) }, { at: { embed() {} } });
  const taken = cpu.bytesInUse - before;
  expect(taken).toBeGreaterThanOrEqual(weights);
  expect(taken).toBeLessThan(weights + 2 * V * D + 10_000); // the embedding may lie there as f32; places are rounded up
  const { passBytes } = harvest(model, [], { site: "layers.1.resid_post", contextLength: 64, batchRows: 4 });
  expect(passBytes - weights).toBeGreaterThanOrEqual(4 * 256 * (2 * 4 * D + D));
  await model.dispose();
});
