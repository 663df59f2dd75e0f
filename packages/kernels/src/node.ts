import { availableParallelism, constants } from "node:os";
import { Worker } from "node:worker_threads";
import type { SpawnWorker } from "./cpu/pool.js";
import type { Device } from "./device.js";
import { openDevice as open, type DeviceOptions } from "./openDevice.js";

/**
 * Opens a device in Node: threads by worker_threads, WebGPU by Dawn where the package `webgpu` is installed.
 * @param options.threads default: as many as the machine runs in parallel
 */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  const { backend = "auto", threads = availableParallelism(), gpu = backend === "cpu" ? undefined : await dawn() } = options;
  return open({ ...options, gpu, threads, spawn: options.spawn ?? spawn });
}

/** A thread that does not keep the process alive; its only message is the seat it is given. */
const spawn: SpawnWorker = (seat, source) => {
  const worker = new Worker(`${source}(require("node:worker_threads").workerData)`, { eval: true, workerData: seat });
  worker.unref();
  return () => void worker.terminate();
};

/** Dawn's GPU object, kept for the life of the process: when it is collected as garbage the process dies. */
async function dawn(): Promise<GPU | undefined> {
  const kept = globalThis as { dictlearnGpu?: GPU };
  if (kept.dictlearnGpu) return kept.dictlearnGpu;
  if (process.platform === "linux" && !hasVulkan()) return undefined; // Dawn would say so on stderr, past us
  try {
    const { create, globals } = await import("webgpu");
    Object.assign(globalThis, globals);
    return (kept.dictlearnGpu = create(["disable-dawn-features=timestamp_quantization"])); // 0.1 ms, else
  } catch {
    return undefined; // not installed, or no build for this platform
  }
}

/** Whether the Vulkan loader is installed: Node finds it and then complains that it is no addon. */
function hasVulkan(): boolean {
  try {
    process.dlopen({ exports: {} }, "libvulkan.so.1", constants.dlopen.RTLD_LAZY);
    return true;
  } catch (error) {
    return error instanceof Error && /did not self-register/.test(error.message);
  }
}
