import { openDevice } from "@dictlearn/kernels/node";
import { type Params } from "./params.js";

type Device = Awaited<ReturnType<typeof openDevice>>;

/** The device that was asked for. `cuda` and `mps` are PyTorch's words for the GPU; where there is none, a line says so. */
export async function openGpuOrCpu(asked: Params["device"], { threads, note }: { threads?: number; note: (line: string) => void }): Promise<Device> {
  const gpu = asked === "cuda" || asked === "mps";
  const device = await openDevice({ backend: gpu ? "auto" : asked, threads });
  if (gpu && device.kind === "cpu") note(`device: ${asked} means the GPU, and no GPU is found here, so this runs on the CPU`);
  return device;
}

/** What gives the same bytes from the same state: WebAssembly on any machine, with any number of threads; a GPU by itself. */
export const engineOf = (device: Device): string => (device.kind === "cpu" ? "wasm" : device.label);
