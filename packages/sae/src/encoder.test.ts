import { type Device } from "@dictlearn/kernels";
import { devices, seededNormal, seededUniform } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { dense } from "../test/oracles.js";
import { autoEncoder, autoEncoderTopK, batchTopKSae, Columns, type Dictionary, gatedAutoEncoder, jumpReluAutoEncoder, type Matrix } from "./index.js";

// Wide enough for two parts: a part is 4 MiB.
const [D, F] = [1024, 1100];
const normal = (seed: number, n: number, scale: number) => seededNormal(seed, n).map((value) => scale * value);
const columns = normal(1, D * F, 1 / 32); // f32[D,F]
const x = normal(9, 130 * D, 1);
const factors = seededUniform(2, F).map((u) => 0.5 + u);
const decoder = new Float32Array(F * D);
const [encoderBias, gateBias, magnitudeBias, magnitudeLog] = [3, 4, 5, 6].map((seed) => normal(seed, F, 0.3));
const [decoderBias, threshold] = [normal(7, D, 0.1), seededUniform(8, F).map((u) => u)];

const open: Record<string, (device: Device, encoder: Matrix) => Dictionary> = {
  AutoEncoder: (device, encoder) => autoEncoder(device, { encoder, encoderBias, decoder, decoderBias }),
  JumpReluAutoEncoder: (device, encoder) => jumpReluAutoEncoder(device, { encoder, encoderBias, decoder, decoderBias, threshold }),
  GatedAutoEncoder: (device, encoder) => gatedAutoEncoder(device, { encoder, gateBias, magnitudeBias, magnitudeLog, decoder, decoderBias }),
  BatchTopKSAE: (device, encoder) => batchTopKSae(device, { encoder, encoderBias, decoder, decoderBias, k: 9, threshold: 1 }),
  AutoEncoderTopK: (device, encoder) => autoEncoderTopK(device, { encoder, encoderBias, decoder, decoderBias, k: 9, threshold: 1 }),
};
const apart = Object.keys(open).slice(0, 4);

describe.each(await devices())("an encoder that lies by columns, on $name", ({ device: found, skipped }) => {
  const device = found!;
  const encoded = (dictionary: Dictionary, B: number) => device.scope(() => dense(dictionary.encode(device.tensor(x.subarray(0, B * D), [B, D]))));

  test.skipIf(skipped).each(Object.keys(open))("%s: the first rows, the next, and those of an encoder of rows are alike", async (name) => {
    const start = device.bytesInUse;
    const turned = new Columns(D, F, columns, undefined, factors);
    const [byColumns, byRows] = [open[name](device, turned), open[name](device, turned.rows())];
    for (const B of device.kind === "cpu" ? [3, 0, 3, 130] : [3]) {
      const [one, other] = [await encoded(byColumns, B), await encoded(byRows, B)];
      expect(Buffer.from(one.buffer).equals(Buffer.from(other.buffer))).toBe(true); // toEqual takes a second for so many
      expect(one.filter((v) => v !== 0).length).toBeGreaterThanOrEqual(B * 4);
    }
    byColumns.dispose();
    byRows.dispose();
    expect(device.bytesInUse).toBe(start);
  });

  test.skipIf(skipped).each(apart)("%s: on cpu a first few rows leave nothing there, the next the encoder's rows, which a GPU has from the start", async (name) => {
    const start = device.bytesInUse;
    const dictionary = open[name](device, new Columns(D, F, columns));
    const opened = device.bytesInUse;
    await encoded(dictionary, 0);
    expect(device.bytesInUse).toBe(opened);
    await encoded(dictionary, 3);
    expect(opened - start >= 4 * F * D).toBe(device.kind !== "cpu");
    expect(device.bytesInUse - start).toBeGreaterThanOrEqual(4 * F * D);
    dictionary.dispose();
  });

  test.skipIf(skipped)("after dispose() it refuses, and leaves nothing", () => {
    const start = device.bytesInUse;
    const [dictionary, other] = [0, 1].map(() => open.JumpReluAutoEncoder(device, new Columns(D, F, columns)));
    dictionary.dispose();
    const refused = expect.objectContaining({ code: "DISPOSED", message: "JumpReluAutoEncoder: expected a live dictionary, got one after dispose()" });
    device.scope(() => {
      expect(() => dictionary.encode(device.zeros([1, D]))).toThrow(refused);
      expect(() => dictionary.decode(other.encode(device.zeros([1, D])))).toThrow(refused);
    });
    other.dispose();
    expect(device.bytesInUse).toBe(start);
  });

  test.skipIf(skipped)("rows of another width are named with the whole encoder", () => {
    const dictionary = open.JumpReluAutoEncoder(device, new Columns(D, F, columns));
    expect(() => device.scope(() => dictionary.encode(device.zeros([2, 5])))).toThrow(`encodeThreshold: expected encoder f32[F,5], got f32[${F},${D}] (x is f32[2,5])`);
    dictionary.dispose();
  });
});
