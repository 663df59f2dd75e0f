import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { demo } from "@dictlearn/demo";
import { type Device } from "@dictlearn/kernels";
import { type Neox, openNeox, parseConfig, parseSite } from "@dictlearn/neox";
import { DictlearnError } from "./error.js";
import { openTokenizer, type Tokenizer } from "./openTokenizer.js";
import { openWeights } from "./openWeights.js";
import { readJson } from "./readJson.js";

/** A language model with its tokenizer. Weights that were not asked for at once are read when a pass first needs them. */
export interface Model {
  /** As it was asked for: a path, or "demo". */
  readonly name: string;
  readonly device: Device;
  readonly neox: Neox;
  readonly tokenizer: Tokenizer;
  /** D, the width of every site's activations. */
  readonly width: number;
  /** The most tokens that a text may have. */
  readonly contextLength: number;
  /** The canonical name of a site. @throws NeoxError USAGE, with the nearest */
  site(spelling: string): string;
  /** Frees the weights and closes the files. */
  dispose(): Promise<void>;
}

/**
 * A GPT-NeoX model (Pythia) from a folder as Hugging Face lays it out: config.json, tokenizer.json, and the weights as
 * model.safetensors or pytorch_model.bin, whole or in shards with their index.
 * @param path the folder, or "demo": the bundled model
 * @param options.site whose weights to read at once, in any spelling; default none
 * @throws NOT_FOUND, FORMAT, UNSUPPORTED
 */
export async function openModel(path: string, { device, site }: { device: Device; site?: string }): Promise<Model> {
  const folder = path === "demo" ? fileURLToPath(demo.model) : path;
  const files = await filesOf(folder);
  const json = await readJson(join(folder, "config.json"));
  if (!json) throw new DictlearnError("NOT_FOUND", `${join(folder, "config.json")}: expected the model's config, got no such file`);
  const config = parseConfig(json);
  const tokenizer = await openTokenizer(folder);
  const asked = site === undefined ? undefined : parseSite(site, config.layers);
  const weights = await openWeights(folder, files);
  const neox = openNeox({ device, config, weights });
  if (asked)
    await neox.load(asked).catch(async (error) => {
      neox.dispose();
      await weights.close();
      throw error;
    });

  return {
    name: path,
    device,
    neox,
    tokenizer,
    width: config.width,
    contextLength: config.contextLength,
    site: (spelling) => parseSite(spelling, config.layers),
    async dispose() {
      neox.dispose();
      await weights.close();
    },
  };
}

async function filesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTDIR") throw new DictlearnError("NOT_FOUND", `${folder}: expected a model's folder, got a file`, "give the folder that it lies in");
    if (code !== "ENOENT") throw error;
    const id = /^[\w.-]+\/[\w.-]+$/.test(folder);
    throw new DictlearnError(
      "NOT_FOUND",
      `${folder}: expected a model's folder or "demo", got no such folder`,
      id ? `ids of the Hugging Face Hub are not fetched yet: git clone https://huggingface.co/${folder} ${folder}` : undefined,
    );
  }
}
