// The thread of `readHostInThread`: reads the dictionary that it is given, and hands it over.
import { parentPort, workerData } from "node:worker_threads";
import { readHost, type HostFile } from "./readHost.js";
import { type Reply } from "./readHostInThread.js";

const reply = (message: Reply, transfer: ArrayBuffer[] = []) => parentPort!.postMessage(message, transfer);

readHost(workerData as HostFile)
  .then(({ host: { kind, ...host }, format }) => reply({ read: { host, kind: kind.name, format: format.name } }, [...buffersIn({ ...host.weights, skip: host.skip })]))
  .catch((error: Error & { code?: string; remedy?: string }) => {
    const { name, message, code, remedy, stack } = error;
    reply({ error: { name, message, code, remedy, stack } });
  });

/** The memory of all arrays, those of matrices too. */
function buffersIn(weights: object): Set<ArrayBuffer> {
  const arrays = Object.values(weights).flatMap((weight) => (weight && "data" in Object(weight) ? Object.values(weight as object) : [weight]));
  return new Set(arrays.filter((array) => ArrayBuffer.isView(array)).map(({ buffer }) => buffer as ArrayBuffer));
}
