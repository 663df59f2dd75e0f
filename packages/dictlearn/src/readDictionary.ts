import { stat } from "node:fs/promises";
import { posix } from "node:path";
import { type Config, foldActivationScale, type Format, type HostDictionary, type ReadHostOptions } from "@dictlearn/sae";
import { configNames, dictionaryFiles } from "./dictionaryFiles.js";
import { type HubOption } from "./openFolder.js";
import { readHost } from "./readHost.js";
import { readHostInThread } from "./readHostInThread.js";
import { readJson } from "./readJson.js";

export interface ReadDictionaryOptions extends HubOption, Pick<ReadHostOptions, "definitions" | "normalizeDecoder" | "encodeOnly"> {
  /** What x was multiplied by while it was trained, where the file leaves that to others (SAELens' `expected_average_only_in`): folded into the weights. */
  activationScale?: number;
}

/**
 * A dictionary of any format, on the host. Which one it is follows from what the files hold.
 * @param name as of `openDictionary`
 */
export async function readDictionary(name: string, { definitions, normalizeDecoder, encodeOnly, activationScale, ...place }: ReadDictionaryOptions = {}): Promise<{ host: HostDictionary; format: Format }> {
  const { folder, path } = await dictionaryFiles(name, place);
  const found = await Promise.all(configNames.map(async (config) => [config, await readJson(folder, posix.join(posix.dirname(path), config))] as const));
  const configs = Object.fromEntries(found.filter((entry): entry is [string, Config] => entry[1] !== undefined));
  const local = await folder.local(path);
  const file = { path: local, configs, subject: name === "demo" ? "demo dictionary" : name, normalizeDecoder, encodeOnly };
  const { size } = await stat(local).catch(() => ({ size: 0 })); // reading it says what is wrong
  const { host, format } = await (size >= large && !definitions ? readHostInThread(file) : readHost({ ...file, definitions }));
  return { host: activationScale === undefined ? host : foldActivationScale(host, activationScale), format };
}

/** Bytes from which a file is worth a thread. */
const large = 2 ** 24;
