import { posix } from "node:path";
import { type Config, foldActivationScale, type Format, type HostDictionary, type ReadHostOptions, recognise } from "@dictlearn/sae";
import { configNames, dictionaryFiles } from "./dictionaryFiles.js";
import { DictlearnError } from "./error.js";
import { type HubOption } from "./openFolder.js";
import { openTensorFile } from "./openTensorFile.js";
import { readJson } from "./readJson.js";

export interface ReadDictionaryOptions extends HubOption, Pick<ReadHostOptions, "definitions" | "normalizeDecoder"> {
  /** What x was multiplied by while it was trained, where the file leaves that to others (SAELens' `expected_average_only_in`): folded into the weights. */
  activationScale?: number;
}

/**
 * A dictionary of any format, on the host. Which one it is follows from what the files hold.
 * @param name as of `openDictionary`
 */
export async function readDictionary(name: string, { definitions, normalizeDecoder, activationScale, ...place }: ReadDictionaryOptions = {}): Promise<{ host: HostDictionary; format: Format }> {
  const { folder, path } = await dictionaryFiles(name, place);
  const found = await Promise.all(configNames.map(async (config) => [config, await readJson(folder, posix.join(posix.dirname(path), config))] as const));
  const configs = Object.fromEntries(found.filter((entry): entry is [string, Config] => entry[1] !== undefined));
  const file = await openTensorFile(await folder.local(path));
  try {
    const subject = name === "demo" ? "demo dictionary" : name;
    if (file.container === "torch" && file.values.has("step") && file.names.some((name) => name.startsWith("ae."))) throw backup(subject, file.values.get("step"));
    const { format, config } = recognise({ container: file.container, names: file.names, configs }, subject);
    const host = await format.read(file, { subject, config, definitions, normalizeDecoder });
    return { host: activationScale === undefined ? host : foldActivationScale(host, activationScale), format };
  } finally {
    await file.close();
  }
}

/** While it trains, dictionary_learning overwrites ae.pt with what it needs to resume; those weights are for scaled activations. */
function backup(subject: string, step: unknown): DictlearnError {
  return new DictlearnError("FORMAT", `${subject}: expected a finished dictionary, got the backup of a run at step ${step}`, "let the run finish, or take one of its checkpoints/ae_STEP.pt");
}
