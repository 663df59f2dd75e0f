import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Device } from "@dictlearn/kernels";
import { topK } from "@dictlearn/sae";
import { seededNormal, webgpuDevice } from "@dictlearn/testing";
import { RunDirectory, train, type Training, type TrainingState } from "dictlearn";
import { afterAll, expect, test } from "vitest";
import { runSession } from "./session.js";
import { withResume } from "./withResume.js";

const temporary = mkdtempSync(join(tmpdir(), "session-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

const [N, D, site] = [192, 8, "layers.0.mlp_out"];
const numbers = seededNormal(1, N * D);

/** Activations that lie in memory, from row `at` on; a token's id is its row. */
function source(device: Device, at = 0) {
  const run = (tokens: Uint32Array) => ({ [site]: device.tensor(Float32Array.from({ length: tokens.length * D }, (_, i) => numbers[tokens[Math.floor(i / D)] * D + (i % D)]), [tokens.length, D]) });
  return {
    device,
    widths: { [site]: D },
    rerun: async ({ tokens }: { tokens: Uint32Array }) => run(tokens),
    async next() {
      const tokens = Uint32Array.from({ length: Math.min(16, N - at) }, (_, i) => at + i);
      if (tokens.length === 0) return undefined;
      at += tokens.length;
      return { rows: { tokens, start: Uint32Array.from({ length: tokens.length + 1 }, (_, i) => i) }, activations: run(tokens), cursor: at };
    },
  };
}

const opened = (device: Device, state?: TrainingState) => train(source(device, (state?.buffer.json.cursor as number) ?? 0), topK({ features: 16, k: 2, warmupSteps: 1 }), { tokens: N, batchSize: 16, bufferTokens: 48, seed: 3, state });
const session = (training: Training, directory: RunDirectory) =>
  runSession(training, { directory, about: {}, bufferConfig: {}, logEvery: 1, saveEvery: 4, rows: "packed", report: async () => {}, signal: new AbortController().signal, note: () => {}, quiet: true });
const bits = async (training: Training) => (await training.trainees[0].trainer.save()).map(({ data }) => [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);

const [first, second] = [await webgpuDevice(), await webgpuDevice()];

test.skipIf(first.skipped)(`a GPU that is lost in the middle of a run costs the steps since the last save, and the run says how to go on (${first.name})`, async () => {
  using whole = opened(second.device!);
  await session(whole, new RunDirectory(join(temporary, "whole")));

  const directory = new RunDirectory(join(temporary, "lost"));
  const broken = opened(first.device!);
  const { next } = broken;
  broken.next = async () => {
    if (broken.step === 6) first.device!.dispose(); // as when a driver resets
    return next.call(broken);
  };
  const error = await session(broken, directory).then(() => undefined, (error: unknown) => withResume(error, directory));
  expect(error).toMatchObject({ code: "IO", message: expect.stringContaining("expected the device to stay, got its loss"), remedy: expect.stringMatching(/--resume .*lost goes on at step 4$/) });
  broken.dispose();

  const { state } = await directory.readState();
  expect(state.step).toBe(4);
  using again = opened(second.device!, state);
  await session(again, directory);
  expect(again.step).toBe(12);
  expect(await bits(again)).toEqual(await bits(whole));
});
