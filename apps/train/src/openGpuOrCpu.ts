import { openDevice, type Engine } from "@dictlearn/kernels/node";
import { type Params } from "./params.js";

type Device = Awaited<ReturnType<typeof openDevice>>;

/** The device that was asked for. `cuda` and `mps` are PyTorch's words for the GPU; where there is none, a line says so. */
export async function openGpuOrCpu(asked: Params["device"], { threads, engine, note, debug }: { threads?: number; engine: Engine; note: (line: string) => void; debug: (line: string) => void }): Promise<Device> {
  const gpu = asked === "cuda" || asked === "mps";
  const device = await openDevice({ backend: gpu ? "auto" : asked, threads, engine, onNotice: debug });
  if (gpu && device.kind === "cpu") note(`device: ${asked} means the GPU, and no GPU is found here, so this runs on the CPU`);
  debug(`device: ${device.label}`);
  return device;
}
