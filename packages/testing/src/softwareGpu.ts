import { loadSwiftShader } from "./swiftshader.js";

const key = Symbol.for("dictlearn.testing.gpu");
const kept = globalThis as { [key]?: Promise<TestGpu> };

export type TestGpu = { gpu: GPU } | { skipped: string };

/**
 * The WebGPU of this test process: Dawn on SwiftShader, so that results are the same on every machine. With
 * DICTLEARN_TEST_GPU=hardware it is the machine's own GPU, and skipped where there is none.
 * One for the process, kept on globalThis: Dawn dies when its GPU object is collected, and test files share modules.
 */
export function softwareGpu(): Promise<TestGpu> {
  return (kept[key] ??= create());
}

async function create(): Promise<TestGpu> {
  const hardware = process.env.DICTLEARN_TEST_GPU === "hardware";
  const missing = hardware ? undefined : await loadSwiftShader();
  if (missing) return { skipped: missing };

  const dawn = await import("webgpu").catch((error: Error) => error);
  if (dawn instanceof Error) return { skipped: `webgpu does not load here: ${dawn.message}` };
  Object.assign(globalThis, dawn.globals);
  pollCalmly();
  const gpu = dawn.create([]);
  const adapter = await gpu.requestAdapter();
  if (!adapter) return { skipped: hardware ? "no GPU adapter" : "Dawn found no adapter on software Vulkan" };
  if (hardware && isSoftware(adapter)) return { skipped: `no hardware GPU, only ${adapter.info.description}` };
  return { gpu };
}

/**
 * Dawn asks whether work is done from one `setImmediate` to the next, each with a new function for the collector to free.
 * Where the GPU is the processor itself, that takes half of it: here Dawn asks a few times at once, then every millisecond.
 */
function pollCalmly(): void {
  const { setImmediate: immediate, setTimeout: later } = globalThis;
  let since = 0; // times that Dawn asked in a row
  const soon = (poll: () => void): unknown => {
    const turn = ++since;
    const ask = () => {
      poll();
      if (turn === since) since = 0; // it did not ask for another turn
    };
    return turn > 4 ? later(ask, 1) : immediate(ask);
  };
  const isDawns = (callback: () => void) => callback.name === "" && Function.prototype.toString.call(callback).includes("[native code]");
  globalThis.setImmediate = Object.assign((callback: () => void, ...args: []) => (isDawns(callback) ? soon(callback) : immediate(callback, ...args)), immediate) as typeof setImmediate;
}

function isSoftware({ info }: GPUAdapter): boolean {
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${info.architecture} ${info.description}`);
}
