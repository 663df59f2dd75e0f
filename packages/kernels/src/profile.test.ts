import { add, gelu, linear } from "@dictlearn/kernels";
import { devices, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

describe.each(await devices())("$name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped)("a profile lists the ops of a body in their order, with shapes, and changes no result", async () => {
    await device.scope(async () => {
      const x = device.tensor(seededNormal(1, 3 * 5), [3, 5]);
      const weight = device.tensor(seededNormal(2, 7 * 5), [7, 5]);
      const expected = await gelu(linear(x, weight)).read();
      let y: typeof x;
      const runs = await device.profile(async () => {
        y = gelu(linear(x, weight));
        await y.read(); // a profile goes on over what waits
        add(y, y);
      });
      expect(await y!.read()).toEqual(expected);
      expect(runs.map(({ op }) => op)).toEqual(["linear", "gelu", "add"]);
      expect(runs[0]).toMatchObject({ inputs: { x: { dtype: "f32", shape: [3, 5] }, weight: { dtype: "f32", shape: [7, 5] } }, outputs: { y: { dtype: "f32", shape: [3, 7] } } });
      for (const { seconds } of runs) expect(seconds).toBeGreaterThanOrEqual(0);
    });
  });

  test.skipIf(skipped)("after a profile, also one whose body threw, nothing is noted any more", async () => {
    await device.scope(async () => {
      const x = device.zeros([4]);
      await expect(device.profile(() => Promise.reject(new Error("of the body")))).rejects.toThrow("of the body");
      expect(Object.hasOwn(device, "run")).toBe(false);
      const runs = await device.profile(() => gelu(x));
      expect(runs).toHaveLength(1);
      add(x, x);
      expect(runs).toHaveLength(1);
    });
  });

  test.skipIf(skipped)("more ops than a set of the GPU's clocks has room for are all there", async () => {
    await device.scope(async () => {
      let x = device.zeros([2]);
      const runs = await device.profile(() => {
        for (let i = 0; i < 2100; i++) x = add(x, x);
      });
      expect(runs).toHaveLength(2100);
      expect(runs.every(({ seconds }) => Number.isFinite(seconds))).toBe(true);
    });
  });
});
