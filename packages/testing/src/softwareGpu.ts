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
  const gpu = dawn.create([]);
  const adapter = await gpu.requestAdapter();
  if (!adapter) return { skipped: hardware ? "no GPU adapter" : "Dawn found no adapter on software Vulkan" };
  if (hardware && isSoftware(adapter)) return { skipped: `no hardware GPU, only ${adapter.info.description}` };
  return { gpu };
}

function isSoftware({ info }: GPUAdapter): boolean {
  return info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${info.architecture} ${info.description}`);
}
