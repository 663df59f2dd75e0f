import { openDevice, type Engine } from "@dictlearn/kernels/node";
import { type Params } from "./params.js";

type Device = Awaited<ReturnType<typeof openDevice>>;

/**
 * The device that was asked for. `cuda` and `mps` are PyTorch's words for the GPU; where there is none, a line says so. `debug`
 * tells what runs, and looks for NaN behind every op.
 */
export async function openGpuOrCpu(asked: Params["device"], { threads, engine, note, debug }: { threads?: number; engine: Engine; note: (line: string) => void; debug: boolean }): Promise<Device> {
  const gpu = asked === "cuda" || asked === "mps";
  const device = await openDevice({ backend: gpu ? "auto" : asked, threads, engine, onNotice: (line) => debug && note(line) });
  if (gpu && device.kind === "cpu") note(`device: ${asked} means the GPU, and no GPU is found here, so this runs on the CPU`);
  if (debug) {
    note(`device: ${device.label}; every result is looked at for NaN and infinity`);
    device.watchFinite();
  }
  return device;
}
