import { decodeSparse, encodeBatchTopK, encodeGated, encodeJumpRelu, encodeThreshold, encodeTopK, encodeTopKDead, linear, type Device, type Tensor } from "@dictlearn/kernels";
import { devices, expectClose, expectGradients, seededNormal, webgpuDevice, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const given = (B: number, D: number, F: number): Input[] => [[seededNormal(1, B * D), [B, D]], [seededNormal(2, F * D), [F, D]], [seededNormal(3, F), [F]]];
const upload = (device: Device, inputs: Input[]) => inputs.map(([data, shape]) => device.tensor(data, shape)) as [Tensor, Tensor, Tensor];

/** The k largest of relu(row): by a sort of all of them. */
const best = (row: Float32Array, k: number) =>
  [...row.keys()]
    .sort((f, g) => Math.max(0, row[g]) - Math.max(0, row[f]) || f - g)
    .slice(0, k)
    .sort((f, g) => f - g);

describe.each(await devices())("encodeTopK on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped).each([
    [0, 3, 5, 2],
    [1, 1, 1, 1],
    [2, 3, 5, 5],
    [17, 16, 67, 4],
    [33, 20, 1025, 31],
  ])("%i rows of %i in %i features: the %i largest, in order", async (B, D, F, k) => {
    await device.scope(async () => {
      const [x, encoder, bias] = upload(device, given(B, D, F));
      const dense = (await linear(x, encoder, bias).read()) as Float32Array;
      const { rowStart, index, values } = await encodeTopK(x, encoder, bias, { k }).read();
      const expected = Array.from({ length: B }, (_, b) => best(dense.subarray(b * F, b * F + F), k));
      expect([...rowStart]).toEqual(Array.from({ length: B + 1 }, (_, b) => b * k));
      expect([...index]).toEqual(expected.flat());
      // the screen's products are WebAssembly's, whatever computes the dense one
      expectClose(values, expected.flatMap((row, b) => row.map((f) => Math.max(0, dense[b * F + f]))), { absolute: device.kind === "webgpu" || device.exact ? 0 : 1e-5 });
    });
  });

  test.skipIf(skipped).each([
    [1, 1, 1, 1],
    [5, 3, 7, 2],
    [4, 6, 11, 9], // fewer than 9 are positive: entries of value 0 have no slope
  ])("%i rows of %i in %i features, the %i largest: gradients are finite differences", async (B, D, F, k) => {
    await expectGradients(device, given(B, D, F), (x, encoder, bias) => encodeTopK(x, encoder, bias, { k }).values, { absolute: 1e-5 });
    await expectGradients(device, [...given(B, D, F), [seededNormal(4, F * D), [F, D]]], (x, encoder, bias, decoder) => decodeSparse(encodeTopK(x, encoder, bias, { k }), decoder), { absolute: 1e-5, relative: 1e-5 });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device.scope(() => {
      const [x, encoder, bias] = [device.zeros([8, 4]), device.zeros([16, 4]), device.zeros([16])];
      for (const k of [0, 17, 1.5]) expect(() => encodeTopK(x, encoder, bias, { k })).toThrow(`encodeTopK: expected k 1 to 16, got ${k}`);
      expect(() => encodeTopK(x, encoder, device.zeros([4]), { k: 2 })).toThrow("encodeTopK: expected bias f32[16], got f32[4] (encoder is f32[16,4])");
    });
  });
});

const small = await webgpuDevice({ bindingBytes: 4096 });
test.skipIf(small.skipped)("more entries than a binding holds are an error with a remedy, of any of the encoders", () => {
  const device = small.device!;
  device.scope(() => {
    const [encoder, bias] = [device.zeros([128, 4]), device.zeros([128])];
    const dead = device.zeros([128], "u32");
    encodeTopK(device.zeros([64, 4]), encoder, bias, { k: 16 });
    const x = device.zeros([65, 4]);
    for (const encode of [() => encodeTopK(x, encoder, bias, { k: 16 }), () => encodeBatchTopK(x, encoder, bias, { k: 16 }), () => encodeTopKDead(x, encoder, bias, dead, { k: 16 })])
      expect(encode).toThrow(/: expected at most 1024 entries on webgpu.*, got room for 65 x 16/);
    const many = [() => encodeThreshold(x, encoder, bias, bias), () => encodeJumpRelu(x, encoder, bias, bias, { bandwidth: 1 }), () => encodeGated(x, encoder, bias, bias, bias)];
    for (const encode of many) expect(encode).toThrow(/: expected at most 1024 entries on webgpu.*, got room for 65 x 128/);
  });
});
