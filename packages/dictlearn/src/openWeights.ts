import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Checkpoint, openSafetensors, openSharded, openTorch } from "@dictlearn/checkpoint";
import { type FileSource, fileSource } from "@dictlearn/checkpoint/node";
import { DictlearnError } from "./error.js";

/** The weights of a model's folder, and how to close its files. */
export type Weights = Checkpoint & { close(): Promise<void> };

/** What a folder's weights may be called, the best first. */
const names = ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"];

/**
 * The weights in a model's folder: one file or shards with their index, safetensors or torch. Tensors are read when asked for.
 * @param files the names in the folder
 * @throws NOT_FOUND, FORMAT
 */
export async function openWeights(folder: string, files: readonly string[]): Promise<Weights> {
  const name = names.find((name) => files.includes(name));
  if (!name) throw new DictlearnError("NOT_FOUND", `${folder}: expected ${names.join(" or ")}, got ${files.slice(0, 8).join(", ") || "an empty folder"}`);

  const sources: FileSource[] = [];
  const close = async () => void (await Promise.all(sources.splice(0).map((source) => source.close())));
  async function open(file: string): Promise<Checkpoint> {
    const source = await fileSource(join(folder, file));
    sources.push(source);
    return file.endsWith(".safetensors") ? openSafetensors(source) : openTorch(source);
  }

  try {
    const path = join(folder, name);
    const checkpoint = name.endsWith(".index.json") ? openSharded(await readFile(path, "utf8"), open) : await open(name);
    return { ...checkpoint, close };
  } catch (error) {
    await close();
    throw error;
  }
}
