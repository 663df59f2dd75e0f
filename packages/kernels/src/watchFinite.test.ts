import { add, exp, gelu, linear, scale, sum, valueAndGradients, type Device } from "@dictlearn/kernels";
import { openDevice } from "@dictlearn/kernels/node";
import { devices, seededNormal, webgpuDevice } from "@dictlearn/testing";
import { afterAll, describe, expect, test } from "vitest";

/** Devices of this file's own: one that watches does so for good. */
const gpu = await webgpuDevice();
const watched: { name: string; device?: Device; skipped?: string }[] = [{ name: "cpu", device: await openDevice({ backend: "cpu", threads: 2, engine: "wasm" }) }, gpu];
for (const { device } of watched) device?.watchFinite();
afterAll(() => watched.forEach(({ device }) => device?.dispose()));

describe.each(watched)("on $name", ({ device: found, skipped }) => {
  const device = found!;
  const row = (...values: number[]) => device.tensor(Float32Array.of(...values), [values.length]);

  test.skipIf(skipped)("the first op whose result is not finite is named, not those behind it", async () => {
    await device.scope(async () => {
      await expect(async () => gelu(add(exp(row(1, 100, 2)), row(1, 2, 3))).read()).rejects.toMatchObject({ code: "FORMAT", message: expect.stringMatching(/^exp: expected finite results, got .* in y f32\[3\]$/) });
    });
  });

  test.skipIf(skipped)("it is told once, and later work is judged by itself", async () => {
    await device.scope(async () => {
      await expect(async () => exp(row(1000)).read()).rejects.toThrow("exp: expected finite");
      expect([...(await scale(row(1, 2), 2).read())]).toEqual([2, 4]);
      await device.idle();
    });
  });

  test.skipIf(skipped)("gradients are looked at as well", async () => {
    await device.scope(async () => {
      const x = row(3e38, 1);
      await expect(async () => (await valueAndGradients({ x }, (p) => sum(scale(scale(p.x, 1e-30), 1e30 * 3)))).gradients.x.read().then(() => scale(x, 1e30).read())).rejects.toThrow(/^affine: expected finite/);
    });
  });

  test.skipIf(skipped)("results that are finite are the same bytes as without", async () => {
    const plain = (await devices()).find(({ device: other }) => other?.kind === device.kind && other.engine === device.engine)!.device!;
    const on = (one: Device) => one.scope(() => gelu(linear(one.tensor(seededNormal(1, 35), [5, 7]), one.tensor(seededNormal(2, 77), [11, 7]))).read());
    expect(await on(device)).toEqual(await on(plain));
  });

  test.skipIf(skipped)("a profile leaves the watch as it was", async () => {
    await device.scope(async () => {
      expect(await device.profile(() => void scale(row(1), 2))).toHaveLength(1);
      await expect(async () => exp(row(1000)).read()).rejects.toThrow("exp: expected finite");
    });
  });
});

test.skipIf(gpu.skipped)("a WebGPU device that is lost ends what waits for it with one error, also what comes later", async () => {
  const { device } = await webgpuDevice();
  const x = device!.tensor(Float32Array.of(1, 2), [2]);
  const reading = gelu(x).read();
  device!.dispose();
  await expect(reading).rejects.toMatchObject({ code: "IO", message: expect.stringContaining("expected the device to stay, got its loss") });
  await expect(x.read()).rejects.toMatchObject({ code: "IO" });
  await expect(device!.idle()).rejects.toMatchObject({ code: "IO" });
});
