import { MessageChannel, Worker } from "node:worker_threads";
import { type NamedTensor, type PlainValue } from "@dictlearn/checkpoint";

/** A torch file that another thread reads. */
export interface TorchFile {
  readonly names: readonly string[];
  readonly values: ReadonlyMap<string, PlainValue>;
  info(name: string): Promise<{ readonly shape: readonly number[] }>;
  read(name: string): Promise<NamedTensor>;
  close(): Promise<void>;
}

type Reply<T> = { answer: T; error?: undefined } | { error: Error };

/**
 * Opens a `.pt` file in a thread of its own: reading and unpicking a dictionary's 130 MB takes as long as building the
 * tokenizer, and can happen beside it. Tensors are handed over, not copied.
 * @throws as `openTorch` of checkpoint, with the same codes and remedies
 */
export async function openTorchInThread(path: string): Promise<TorchFile> {
  const worker = new Worker(new URL("./torchThread.js", import.meta.url), { workerData: path });
  const died = new Promise<never>((_, reject) => worker.once("error", reject));
  died.catch(() => {});

  const ask = <T>(name?: string): Promise<T> => {
    const { port1, port2 } = new MessageChannel();
    const reply = new Promise<T>((resolve, reject) => {
      port1.once("message", (message: Reply<T>) => (message.error ? reject(Object.assign(new Error(message.error.message), message.error)) : resolve(message.answer)));
      worker.postMessage({ name, port: port2 }, [port2]);
    });
    return Promise.race([reply, died]).finally(() => port1.close());
  };
  const close = async () => void (await worker.terminate());

  try {
    const { values, shapes } = await ask<{ values: Map<string, PlainValue>; shapes: Map<string, readonly number[]> }>();
    return { names: [...shapes.keys()], values, info: async (name) => ({ shape: shapes.get(name)! }), read: (name) => ask(name), close };
  } catch (error) {
    await close();
    throw error;
  }
}
