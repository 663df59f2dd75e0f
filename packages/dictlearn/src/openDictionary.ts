import { posix } from "node:path";
import { type Device } from "@dictlearn/kernels";
import { type Dictionary, type ReadOptions, readDictionaryLearning } from "@dictlearn/sae";
import { dictionaryFiles } from "./dictionaryFiles.js";
import { DictlearnError } from "./error.js";
import { type HubOption } from "./openFolder.js";
import { openTorchInThread } from "./openTorchInThread.js";
import { readJson } from "./readJson.js";

/**
 * A dictionary as saprmarks/dictionary_learning saves it: `ae.pt` with its `config.json` beside it, or the folder of both.
 * @param name a path on this machine; `hf:OWNER/REPO[@REV]/path/in/repo` on the Hugging Face Hub, where
 *   `archive.zip!/path` is an entry of a zip, of which nothing else is fetched; "demo": the bundled dictionary
 * @param options.normalizeDecoder as that library's from_pretrained (default): decoder columns of norm 1
 * @param options.definitions classes of one's own (`defineDictionary`) that it may be of
 * @throws NOT_FOUND, FORMAT, UNSUPPORTED, and HubError for what the Hub has not or cannot be asked
 */
export async function openDictionary(name: string, { device, normalizeDecoder, definitions, ...place }: HubOption & Pick<ReadOptions, "definitions" | "normalizeDecoder"> & { device: Device }): Promise<Dictionary> {
  const { folder, path } = await dictionaryFiles(name, place);
  const config = await readJson(folder, posix.join(posix.dirname(path), "config.json"));
  const checkpoint = await openTorchInThread(await folder.local(path));
  try {
    const subject = name === "demo" ? "demo dictionary" : name;
    if (checkpoint.values.has("step") && checkpoint.names.some((name) => name.startsWith("ae."))) throw backup(subject, checkpoint.values.get("step"));
    return await readDictionaryLearning(checkpoint, { device, subject, config, normalizeDecoder, definitions });
  } finally {
    await checkpoint.close();
  }
}

/** While it trains, dictionary_learning overwrites ae.pt with what it needs to resume; those weights are for scaled activations. */
function backup(subject: string, step: unknown): DictlearnError {
  return new DictlearnError("FORMAT", `${subject}: expected a finished dictionary, got the backup of a run at step ${step}`, "let the run finish, or take one of its checkpoints/ae_STEP.pt");
}
