import { devices, seededNormal } from "@dictlearn/testing";
import { expect, test, vi } from "vitest";
import { readLog, type TrainerSpec } from "../trainer.js";
import { gated } from "./gated.js";
import { jumpRelu } from "./jumpRelu.js";
import { standard } from "./standard.js";

// B = 8192 and F = 4096 with half of the features on is the most that a step of a usual size holds: below 400 MB at D = 512.
// Nearly all of it goes with B·F; rows and gradients, some 30 MB there, are left out here to save the time of their products.
const [B, D, F] = [8192, 8, 4096];
const { device } = (await devices()).find(({ name }) => name === "cpu, 2 threads")!;

test.each<[string, TrainerSpec]>([
  ["standard", standard({ features: F })],
  ["gated", gated({ features: F })],
  ["jumpRelu", jumpRelu({ features: F })],
])("a step of %s with half of the features on holds less than 360 MB beside what it keeps", async (_, spec) => {
  const trainer = spec.start({ device: device!, D, steps: 100, seed: 0 });
  const x = device!.tensor(seededNormal(1, B * D), [B, D]);
  const kept = device!.bytesInUse;
  let most = 0;
  const allocate = vi.spyOn(device!, "allocate");
  const { allocate: really } = Object.getPrototypeOf(device) as { allocate(bytes: number): never };
  allocate.mockImplementation((bytes) => {
    const storage = really.call(device, bytes);
    most = Math.max(most, device!.bytesInUse);
    return storage;
  });
  try {
    expect((await readLog(await trainer.step(x, 0))).l0).toBeGreaterThan(0.4 * F);
    expect(most - kept).toBeGreaterThan(50e6);
    expect(most - kept).toBeLessThan(360e6);
  } finally {
    allocate.mockRestore();
    x.dispose();
    trainer.dispose();
  }
});
