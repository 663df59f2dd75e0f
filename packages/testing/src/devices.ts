import type { Device } from "@dictlearn/kernels";
import { WebGpuDevice } from "@dictlearn/kernels";
import { openDevice } from "@dictlearn/kernels/node";
import { softwareGpu } from "./softwareGpu.js";

/** A backend of this machine, or why it can't run here. */
export type TestDevice = { name: string; device: Device; skipped?: undefined } | { name: string; device?: undefined; skipped: string };

const key = Symbol.for("dictlearn.testing.devices");
const kept = globalThis as { [key]?: Promise<TestDevice[]> };

/**
 * Every backend, opened once in a test process: the single-thread build, two threads over shared memory, WebGPU.
 * `describe.each(await devices())("on $name", ({ device, skipped }) => { test.skipIf(skipped)(...) })`
 */
export function devices(): Promise<TestDevice[]> {
  return (kept[key] ??= open());
}

/** A WebGPU device of a test's own, for example with small bindings. */
export async function webgpuDevice(options: { bindingBytes?: number } = {}): Promise<TestDevice> {
  const found = await softwareGpu();
  if ("skipped" in found) return skippedWebGpu(found.skipped);
  const device = await WebGpuDevice.open(found.gpu, { software: true, ...options });
  return device ? { name: device.label, device } : skippedWebGpu("no adapter");
}

/** The reason stands in the name, so that every list of tests shows it. */
const skippedWebGpu = (why: string): TestDevice => ({ name: `skipped: webgpu, ${why}`, skipped: why });

async function open(): Promise<TestDevice[]> {
  return [
    { name: "cpu, 1 thread", device: await openDevice({ backend: "cpu", threads: 1 }) },
    { name: "cpu, 2 threads", device: await openDevice({ backend: "cpu", threads: 2 }) },
    await webgpuDevice(),
  ];
}
