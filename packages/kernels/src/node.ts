import { createRequire } from "node:module";
import { availableParallelism, constants, cpus } from "node:os";
import { isMainThread, Worker } from "node:worker_threads";
import type { CpuOptions } from "./cpu/cpuDevice.js";
import type { GemmEngine } from "./cpu/gemm.js";
import { letLoad, NativeGemm, type OrtSeat, type OrtWorker } from "./cpu/nativeGemm.js";
import type { SpawnWorker } from "./cpu/pool.js";
import type { Device } from "./device.js";
import { KernelError } from "./error.js";
import { openDevice as open, type DeviceOptions } from "./openDevice.js";

/** What computes dense products on cpu. `auto`: native where the package onnxruntime-node is installed, else wasm. */
export const engines = ["auto", "wasm", "native"] as const;
export type Engine = (typeof engines)[number];

export interface NodeDeviceOptions extends DeviceOptions {
  /** Default: auto; `openEngine` comes before it. */
  engine?: Engine;
  /** Hears why `auto` took wasm. */
  onNotice?: (line: string) => void;
}

/**
 * Opens a device in Node: threads by worker_threads, WebGPU by Dawn where the package `webgpu` is installed, native matrix
 * products where `onnxruntime-node` is.
 * @param options.threads default: as many as the machine runs in parallel
 * @throws KernelError UNSUPPORTED when the native engine is asked for and can't be had
 */
export async function openDevice({ engine = "auto", onNotice, ...options }: NodeDeviceOptions = {}): Promise<Device> {
  const { backend = "auto", threads = availableParallelism(), gpu = backend === "cpu" ? undefined : await dawn() } = options;
  return open({ ...options, gpu, threads, spawn: options.spawn ?? spawn, openEngine: options.openEngine ?? (engine === "wasm" ? undefined : openNative(engine, onNotice)) });
}

const openNative =
  (engine: "auto" | "native", onNotice?: (line: string) => void): CpuOptions["openEngine"] =>
  async (memory) => {
    try {
      return await openNativeGemm(memory);
    } catch (error) {
      const [why] = (error instanceof Error ? error.message : String(error)).split("\n");
      if (engine === "native" && error instanceof KernelError) throw error;
      if (engine === "native") throw new KernelError("UNSUPPORTED", `engine: expected onnxruntime-node for native, got ${why}`, "npm install onnxruntime-node, or take the engine wasm");
      onNotice?.(`engine: wasm, since onnxruntime-node can't be had: ${why}`);
      return undefined;
    }
  };

/**
 * The native engine by itself.
 * @throws what Node says where onnxruntime-node is not installed or does not load; KernelError UNSUPPORTED where it would tell its makers of what it does
 */
export async function openNativeGemm(memory: WebAssembly.Memory): Promise<GemmEngine> {
  const require = createRequire(import.meta.url);
  const { version } = require("onnxruntime-node/package.json") as { version: string };
  refuseTelemetry();
  return NativeGemm.open(memory, { name: `onnxruntime ${version} on ${cpus()[0]?.model.trim() ?? process.arch}`, path: require.resolve("onnxruntime-node"), spawn: spawnOrt });
}

/**
 * From 1.29 on the library keeps a file of events in the user's home and sends them to its makers, unless this stands in the
 * process's own environment when it is loaded. What a user has set stays.
 */
function refuseTelemetry(): void {
  if (process.env.ORT_DISABLE_TELEMETRY !== undefined) return;
  // a thread's environment is a copy, which native code does not see
  if (!isMainThread) throw new KernelError("UNSUPPORTED", "engine: expected ORT_DISABLE_TELEMETRY in the environment of a process that opens the native engine in a worker thread, got none", "set ORT_DISABLE_TELEMETRY=1, or onnxruntime tells its makers of what it does; or take the engine wasm");
  process.env.ORT_DISABLE_TELEMETRY = "1";
}

/** The garbage of these threads is small: views. */
const resourceLimits = { maxYoungGenerationSizeMb: 2 };

/** Of the engines that are open. */
const controls = new Set<OrtSeat["control"]>();
const letAllLoad = () => controls.forEach(letLoad);

const spawnOrt = (seat: OrtSeat, source: string): OrtWorker => {
  controls.add(seat.control);
  if (!process.listeners("exit").includes(letAllLoad)) process.on("exit", letAllLoad);
  const worker = new Worker(`const { parentPort, workerData } = require("node:worker_threads"); ${source}(workerData, () => parentPort.postMessage("ready"));`, { eval: true, workerData: seat, execArgv: [], resourceLimits });
  const ready = new Promise<void>((resolve, reject) => worker.once("message", () => resolve()).once("error", reject));
  void ready.finally(() => worker.unref()).catch(() => {}); // until then it keeps the process alive, for who waits
  const stop = () => {
    controls.delete(seat.control);
    void worker.terminate();
  };
  return { ready, stop };
};

/** A thread that does not keep the process alive; its only message is the seat it is given. Its source is a script, whatever flags say of ours. */
const spawn: SpawnWorker = (seat, source) => {
  const worker = new Worker(`${source}(require("node:worker_threads").workerData)`, { eval: true, workerData: seat, execArgv: [], resourceLimits });
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
