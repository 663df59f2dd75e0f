import { type Config, type Format, type HostDictionary, type ReadHostOptions, recognise } from "@dictlearn/sae";
import { DictlearnError } from "./error.js";
import { openTensorFile } from "./openTensorFile.js";

export interface HostFile extends Pick<ReadHostOptions, "subject" | "definitions" | "normalizeDecoder" | "encodeOnly"> {
  /** On this machine. */
  path: string;
  /** The configs beside it, parsed, by their names. */
  configs: Readonly<Record<string, Config>>;
}

/** The dictionary in a file with its configs. @throws as `openDictionary` */
export async function readHost({ path, configs, ...options }: HostFile): Promise<{ host: HostDictionary; format: Format }> {
  const file = await openTensorFile(path);
  try {
    const { subject } = options;
    if (file.container === "torch" && file.values.has("step") && file.names.some((name) => name.startsWith("ae."))) throw backup(subject, file.values.get("step"));
    const { format, config } = recognise({ container: file.container, names: file.names, configs }, subject);
    return { host: await format.read(file, { ...options, config }), format };
  } finally {
    await file.close();
  }
}

/** While it trains, dictionary_learning overwrites ae.pt with what it needs to resume; those weights are for scaled activations. */
function backup(subject: string, step: unknown): DictlearnError {
  return new DictlearnError("FORMAT", `${subject}: expected a finished dictionary, got the backup of a run at step ${step}`, "let the run finish, or take one of its checkpoints/ae_STEP.pt");
}
