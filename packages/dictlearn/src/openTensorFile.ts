import { open } from "node:fs/promises";
import { openSafetensors } from "@dictlearn/checkpoint";
import { fileSource } from "@dictlearn/checkpoint/node";
import { openTorchInThread, type TorchFile } from "./openTorchInThread.js";

/** An opened file of named tensors, and of which kind it is. */
export type TensorFile = Omit<TorchFile, "values"> & ({ readonly container: "torch"; readonly values: TorchFile["values"] } | { readonly container: "safetensors" });

/** A torch or safetensors file, by what it begins with. @throws as the readers of checkpoint */
export async function openTensorFile(path: string): Promise<TensorFile> {
  if (!(await beginsAsSafetensors(path))) return { ...(await openTorchInThread(path)), container: "torch" };
  const source = await fileSource(path);
  try {
    return { ...(await openSafetensors(source)), container: "safetensors", close: () => source.close() };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** A length in 8 bytes, of which a real one needs 4, then JSON. A torch file is a zip or a pickle, and begins otherwise. */
async function beginsAsSafetensors(path: string): Promise<boolean> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(9), 0, 9, 0);
  return bytesRead === 9 && buffer.readUInt32LE(4) === 0 && buffer[8] === "{".charCodeAt(0);
}
