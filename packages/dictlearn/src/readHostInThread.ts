import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { Columns, dictionaryClasses, type Format, formatNamed, type HostDictionary, Unread } from "@dictlearn/sae";
import { type HostFile } from "./readHost.js";

/** A dictionary on its way: its class and format by name, its matrices without their methods. */
export interface HostMessage {
  host: Omit<HostDictionary, "kind">;
  kind: string;
  format: string;
}
export type Reply = { read: HostMessage; error?: undefined } | { error: Error & { code?: string; remedy?: string } };

/**
 * `readHost` in a thread of its own: reading, checking and normalising a dictionary's 130 MB takes as long as building a
 * tokenizer, and can happen beside it. Weights are handed over, not copied.
 */
export async function readHostInThread(file: Omit<HostFile, "definitions">): Promise<{ host: HostDictionary; format: Format }> {
  const worker = new Worker(new URL(`./dictionaryThread${extname(import.meta.url)}`, import.meta.url), { workerData: file });
  try {
    const reply = await new Promise<Reply>((resolve, reject) => {
      worker.once("message", resolve).once("error", reject);
    });
    if (reply.error) throw Object.assign(new Error(reply.error.message), reply.error);
    const { host, kind, format } = reply.read;
    const weights = Object.fromEntries(Object.entries(host.weights).map(([name, weight]) => [name, withMethods(weight)]));
    return { host: { ...host, weights, kind: dictionaryClasses.find(({ name }) => name === kind)! }, format: formatNamed(format) };
  } finally {
    await worker.terminate();
  }
}

/** A matrix as it arrives is a plain object. */
function withMethods(weight: unknown): unknown {
  if (typeof weight !== "object" || weight === null || !("F" in weight)) return weight;
  const { D, F, data, norms, factors } = weight as Unread & Partial<Columns>;
  return data ? new Columns(D, F, data, norms, factors) : new Unread(D, F, norms);
}
