import { CpuDevice, type CpuOptions } from "./cpu/cpuDevice.js";
import type { Device } from "./device.js";
import { KernelError } from "./error.js";
import { WebGpuDevice, type WebGpuOptions } from "./webgpu/webgpuDevice.js";

export type Backend = "auto" | "webgpu" | "cpu";

export interface DeviceOptions extends CpuOptions, WebGpuOptions {
  /** `auto` (default): a hardware GPU if there is one, else cpu. */
  backend?: Backend;
  /** What provides adapters: `navigator.gpu` in a page. In Node, `@dictlearn/kernels/node` brings Dawn. */
  gpu?: GPU;
}

/**
 * Opens the device that ops run on.
 * @throws KernelError UNSUPPORTED when `webgpu` is asked for and there is no adapter
 */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  const { backend = "auto", gpu } = options;
  if (backend !== "cpu") {
    const device = gpu && (await WebGpuDevice.open(gpu, options));
    if (device) return device;
    if (backend === "webgpu") throw new KernelError("UNSUPPORTED", `device: expected a WebGPU adapter, got ${gpu ? "none (software adapters are not taken)" : "no WebGPU here"}`, "use the cpu device");
  }
  const { shared, single } = await import("./wasm/module.generated.js");
  return CpuDevice.open({ shared: bytesOf(shared), single: bytesOf(single) }, options);
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
