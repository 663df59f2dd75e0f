import { type Device } from "@dictlearn/kernels";
import { type Neox, openNeox, parseConfig, parseSite, sitesOf } from "@dictlearn/neox";
import { DictlearnError } from "./error.js";
import { pathIn } from "./folder.js";
import { modelFolder, type ModelPlace } from "./modelFolder.js";
import { readTokenizer, type Tokenizer } from "./openTokenizer.js";
import { openWeights, type Weights } from "./openWeights.js";
import { readJson } from "./readJson.js";

/** A language model with its tokenizer. Weights that were not asked for at once are read when a pass first needs them. */
export interface Model extends AsyncDisposable {
  /** As it was asked for: a path, a name on the Hub, or "demo". */
  readonly name: string;
  readonly device: Device;
  readonly neox: Neox;
  readonly tokenizer: Tokenizer;
  /** D, the width of every site's activations. */
  readonly width: number;
  /** The most tokens that a text may have. */
  readonly contextLength: number;
  /** Every site, in the order of the forward pass. */
  readonly sites: readonly string[];
  /** The canonical name of a site. @throws NeoxError USAGE, with the nearest */
  site(spelling: string): string;
  /** Frees the weights and closes the files. */
  dispose(): Promise<void>;
}

/**
 * A GPT-NeoX model (Pythia): config.json, tokenizer.json, and the weights as model.safetensors or pytorch_model.bin,
 * whole or in shards with their index. Only the weights that a pass needs are read, from the Hub too.
 * @param name a folder on this machine; `owner/name` on the Hugging Face Hub; "demo": the bundled model
 * @param options.device may still be opening: files are read meanwhile
 * @param options.site whose weights to read at once, in any spelling; default none
 * @throws NOT_FOUND, FORMAT, UNSUPPORTED, and HubError for what the Hub has not or cannot be asked
 */
export async function openModel(name: string, { device: opening, site, ...place }: ModelPlace & { device: Device | Promise<Device>; site?: string }): Promise<Model> {
  const folder = await modelFolder(name, place);
  const reading = readTokenizer(folder); // takes longest, and needs nothing of the rest
  reading.catch(() => {}); // told below
  let weights: Weights | undefined;
  let neox: Neox | undefined;
  const dispose = async () => {
    neox?.dispose();
    await weights?.close();
  };
  try {
    const json = await readJson(folder, "config.json");
    if (!json) throw new DictlearnError("NOT_FOUND", `${pathIn(folder, "config.json")}: expected the model's config, got no such file`);
    const config = parseConfig(json);
    const asked = site === undefined ? undefined : parseSite(site, config.layers);
    weights = await openWeights(folder);
    const device = await opening;
    neox = openNeox({ device, config, weights });
    if (asked !== undefined) await neox.load(asked);
    return { name, device, neox, tokenizer: await reading, width: config.width, contextLength: config.contextLength, sites: sitesOf(config.layers), site: (spelling) => parseSite(spelling, config.layers), dispose, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await reading.catch(() => {});
    await dispose();
    throw error;
  }
}
