import { type Checkpoint, type NamedTensor, openSafetensors, openSharded, openTorch } from "@dictlearn/checkpoint";
import { freeBuffer } from "@dictlearn/kernels";
import { DictlearnError } from "./error.js";
import { type OpenFolder } from "./folder.js";

/** The weights of a model's folder, how to free what was read of them at once, and how to close its files. */
export type Weights = Checkpoint & { free(tensor: NamedTensor): void; close(): Promise<void> };

/** What a folder's weights may be called, the best first. */
const names = ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"];

/**
 * The weights in a model's folder: one file or shards with their index, safetensors or torch. A shard is opened when the
 * first of its tensors is asked for, and of a file only those tensors are read.
 * @throws NOT_FOUND, FORMAT
 */
export async function openWeights(folder: OpenFolder): Promise<Weights> {
  const files = await folder.files();
  const name = names.find((name) => files.includes(name));
  if (!name) throw new DictlearnError("NOT_FOUND", `${folder.name}: expected ${names.join(" or ")}, got ${files.slice(0, 8).join(", ") || "an empty folder"}`);

  const sources: { close(): Promise<void> }[] = [];
  const close = async () => void (await Promise.all(sources.splice(0).map((source) => source.close())));
  async function open(file: string): Promise<Checkpoint> {
    const source = await folder.source(file);
    sources.push(source);
    return file.endsWith(".safetensors") ? openSafetensors(source) : openTorch(source);
  }

  try {
    const checkpoint = name.endsWith(".index.json") ? openSharded((await folder.text(name))!, open) : await open(name);
    return { ...checkpoint, free: ({ data }) => freeBuffer(data.buffer), close };
  } catch (error) {
    await close();
    throw error;
  }
}
