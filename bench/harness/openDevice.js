import { openDevice as open } from "@dictlearn/kernels/node";

/**
 * The device of a side.
 * @param options.engine which matrix products on cpu: auto (a native one where it is installed) or wasm
 */
export async function openDevice({ device: backend = "cpu", threads = 2, engine = "auto" }) {
  return open(backend === "cpu" ? { backend, threads, engine } : { backend });
}
