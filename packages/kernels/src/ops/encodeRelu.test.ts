import { decodeSparse, encodeRelu, linear, type Device } from "@dictlearn/kernels";
import { devices, expectGradients, ReferenceDevice, seededNormal, webgpuDevice, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

/** x, an encoder and a bias that leaves about a sixth of the features on. */
const given = (on: Device, B: number, D: number, F: number) =>
  [on.tensor(seededNormal(1, B * D), [B, D]), on.tensor(seededNormal(2, F * D), [F, D]), on.tensor(seededNormal(3, F).map((v) => v - 1), [F])] as const;

describe.each(await devices())("a ReLU dictionary on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped).each([
    [1, 1, 1],
    [2, 3, 5],
    [17, 16, 67],
    [33, 20, 1025],
  ])("%i rows of %i in %i features: the positive pre-activations, in order", async (B, D, F) => {
    await device.scope(async () => {
      const [x, encoder, bias] = given(device, B, D, F);
      const dense = await linear(x, encoder, bias).read();
      const features = encodeRelu(x, encoder, bias);
      const { rowStart, index, values } = await features.read();
      const entries = [...dense].map((value, i) => ({ row: Math.floor(i / F), f: i % F, value })).filter(({ value }) => value > 0);
      expect([...index]).toEqual(entries.map(({ f }) => f));
      // the same dense matmul, so the same bits
      expect([...values]).toEqual(entries.map(({ value }) => value));
      expect([...rowStart]).toEqual(Array.from({ length: B + 1 }, (_, b) => entries.filter(({ row }) => row < b).length));
      if (device.kind === "cpu") expect(features.index.size).toBe(entries.length);
    });
  });

  test.skipIf(skipped)("no rows, no features", async () => {
    await device.scope(async () => {
      expect(await encodeRelu(device.zeros([0, 3]), device.zeros([5, 3]), device.zeros([5])).read()).toEqual({ rowStart: Uint32Array.of(0), index: new Uint32Array(), values: new Float32Array() });
      const none = encodeRelu(device.zeros([2, 3]), device.zeros([5, 3]), device.zeros([5]));
      expect(await none.read()).toEqual({ rowStart: new Uint32Array(3), index: new Uint32Array(), values: new Float32Array() });
      expect([...(await decodeSparse(none, device.zeros([5, 2]), device.tensor(Float32Array.of(1, 2), [2])).read())]).toEqual([1, 2, 1, 2]);
    });
  });

  test.skipIf(skipped)("a NaN row stays visible: all its features are NaN entries", async () => {
    await device.scope(async () => {
      const x = device.tensor(Float32Array.of(1, NaN), [2, 1]);
      const { rowStart, values } = await encodeRelu(x, device.tensor(Float32Array.of(1, -1), [2, 1]), device.zeros([2])).read();
      expect([...rowStart]).toEqual([0, 1, 3]);
      expect([...values]).toEqual([1, NaN, NaN]);
    });
  });

  test.skipIf(skipped).each([
    [1, 1, 1],
    [5, 3, 7],
    [3, 6, 11],
  ])("%i rows of %i in %i features: gradients are finite differences", async (B, D, F) => {
    const inputs: Input[] = [[seededNormal(1, B * D), [B, D]], [seededNormal(2, F * D), [F, D]], [seededNormal(3, F), [F]], [seededNormal(4, F * 3), [F, 3]]];
    await expectGradients(device, inputs, (x, encoder, bias, decoder) => decodeSparse(encodeRelu(x, encoder, bias), decoder), { absolute: 1e-5, relative: 1e-5 });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device.scope(() => {
      expect(() => encodeRelu(device.zeros([8, 512]), device.zeros([512, 4096]), device.zeros([512]))).toThrow("encodeRelu: expected encoder f32[F,512], got f32[512,4096] (x is f32[8,512])");
    });
  });
});

describe.each((await devices()).filter(({ device }) => device?.exact))("a ReLU dictionary past one tile on $name", ({ device: found }) => {
  const device = found!;
  test("several tiles give what one gives, to the bit, and memory comes back", async () => {
    const [B, D, F] = [1100, 4, 16384]; // 512 rows a tile
    const [live, bytes] = [device.scopes.live, device.bytesInUse];
    const [x, encoder, bias] = given(device, B, D, F);
    const whole = encodeRelu(x, encoder, bias);
    const { rowStart, index, values } = await whole.read();
    for (const [start, end] of [[0, 1], [511, 514], [1000, 1100]]) {
      const part = device.tensor(seededNormal(1, B * D).subarray(start * D, end * D), [end - start, D]);
      using alone = encodeRelu(part, encoder, bias);
      const got = await alone.read();
      expect(got.index).toEqual(index.slice(rowStart[start], rowStart[end]));
      expect(got.values).toEqual(values.slice(rowStart[start], rowStart[end]));
      part.dispose();
    }
    expect(whole.index.size).toBeLessThan(1.2 * index.length);
    for (const t of [x, encoder, bias, whole]) t.dispose();
    expect([device.scopes.live, device.bytesInUse]).toEqual([live, bytes]);
  });
});

test("the reference device runs the composite too", async () => {
  const device = new ReferenceDevice();
  const { values } = await encodeRelu(device.tensor(Float32Array.of(2, -1), [2, 1]), device.tensor(Float32Array.of(1, -1), [2, 1]), device.zeros([2])).read();
  expect([...values]).toEqual([2, 1]);
});

const small = await webgpuDevice({ bindingBytes: 4096 });
test.skipIf(small.skipped)("more entries than a binding holds are an error with a remedy", () => {
  const device = small.device!;
  device.scope(() => {
    const [encoder, bias] = [device.zeros([128, 4]), device.zeros([128])];
    encodeRelu(device.zeros([8, 4]), encoder, bias);
    expect(() => encodeRelu(device.zeros([9, 4]), encoder, bias)).toThrow("encodeRelu: expected at most 1024 entries on webgpu");
  });
});
