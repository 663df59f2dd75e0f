import type { Device } from "@dictlearn/kernels";
import { WebGpuDevice } from "@dictlearn/kernels";
import { openDevice, openNativeGemm } from "@dictlearn/kernels/node";
import { softwareGpu } from "./softwareGpu.js";

/** A backend of this machine, or why it can't run here. */
export type TestDevice = { name: string; device: Device; skipped?: undefined } | { name: string; device?: undefined; skipped: string };

const key = Symbol.for("dictlearn.testing.devices");
const kept = globalThis as { [key]?: Promise<TestDevice[]> };

/**
 * Every backend, opened once in a test process: the single-thread build, two threads over shared memory, the native engine
 * (for products of any size, so that small tests reach it), WebGPU.
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
    { name: "cpu, 1 thread", device: await openDevice({ backend: "cpu", threads: 1, engine: "wasm" }) },
    { name: "cpu, 2 threads", device: await openDevice({ backend: "cpu", threads: 2, engine: "wasm" }) },
    await nativeDevice(),
    await webgpuDevice(),
  ];
}

async function nativeDevice(): Promise<TestDevice> {
  const openEngine = async (memory: WebAssembly.Memory) => Object.assign(await openNativeGemm(memory), { pays: ({ M, N, K }: { M: number; N: number; K: number }) => M * N * K > 0 });
  try {
    return { name: "cpu, native engine", device: await openDevice({ backend: "cpu", threads: 2, openEngine }) };
  } catch (error) {
    const why = `onnxruntime-node: ${(error as Error).message.split("\n")[0]}`;
    return { name: `skipped: native engine, ${why}`, skipped: why };
  }
}
