import { openDevice } from "@dictlearn/kernels/node";

/** cpu, and webgpu where there is a GPU that is none in software. */
export async function devicesHere() {
  const device = await openDevice({ threads: 1 });
  const { kind } = device;
  device.dispose();
  return [...new Set(["cpu", kind])];
}

/** Our sides on cpu: `wasm`, and `default` where it is another: with a native engine for matrix products. */
export async function enginesHere() {
  const labels = [];
  for (const engine of ["auto", "wasm"]) {
    const device = await openDevice({ backend: "cpu", threads: 1, engine });
    labels.push(device.label);
    device.dispose();
  }
  return labels[0] === labels[1] ? { wasm: "wasm" } : { default: "auto", wasm: "wasm" };
}
