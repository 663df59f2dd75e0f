import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { demo } from "@dictlearn/demo";
import { type Device } from "@dictlearn/kernels";
import { type Dictionary, readDictionaryLearning } from "@dictlearn/sae";
import { DictlearnError } from "./error.js";
import { openTorchInThread } from "./openTorchInThread.js";
import { readJson } from "./readJson.js";

/**
 * A dictionary as saprmarks/dictionary_learning saves it.
 * @param path `ae.pt` with its `config.json` beside it, the folder of both, or "demo": the bundled dictionary
 * @param options.normalizeDecoder as that library's from_pretrained (default): decoder columns of norm 1
 * @throws NOT_FOUND, FORMAT, UNSUPPORTED
 */
export async function openDictionary(path: string, { device, normalizeDecoder }: { device: Device; normalizeDecoder?: boolean }): Promise<Dictionary> {
  const file = await fileOf(path === "demo" ? fileURLToPath(demo.dictionary) : path);
  const config = await readJson(join(dirname(file), "config.json"));
  const checkpoint = await openTorchInThread(file);
  try {
    const subject = path === "demo" ? "demo dictionary" : path;
    if (checkpoint.values.has("step") && checkpoint.names.some((name) => name.startsWith("ae."))) throw backup(subject, checkpoint.values.get("step"));
    return await readDictionaryLearning(checkpoint, { device, subject, config, normalizeDecoder });
  } finally {
    await checkpoint.close();
  }
}

async function fileOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined);
  if (!found) throw new DictlearnError("NOT_FOUND", `${path}: expected a dictionary (ae.pt, or its folder), got no such file`, 'give the path of an ae.pt, or "demo"');
  return found.isDirectory() ? join(path, "ae.pt") : path;
}

/** While it trains, dictionary_learning overwrites ae.pt with what it needs to resume; those weights are for scaled activations. */
function backup(subject: string, step: unknown): DictlearnError {
  return new DictlearnError("FORMAT", `${subject}: expected a finished dictionary, got the backup of a run at step ${step}`, "let the run finish, or take one of its checkpoints/ae_STEP.pt");
}
