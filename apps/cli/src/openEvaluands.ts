import { type Hub } from "@dictlearn/hub";
import { openHostDictionary } from "@dictlearn/sae";
import { DictlearnError, readDictionary, type Evaluand, type Model } from "dictlearn";

export interface Named extends Evaluand {
  readonly name: string;
}

/** Where neither a flag nor a config says a site. */
const usualSite = "layers.3.mlp_out";

/**
 * Dictionaries with the sites that they are of: what was asked for, else what their configs say.
 * @throws as openDictionary; DictlearnError SHAPE for another width than the model's, NeoxError for a site that it has not
 */
export async function openEvaluands(names: readonly string[], { model, site, hub }: { model: Model; site?: string; hub: Hub }): Promise<Disposable & { evaluands: readonly Named[] }> {
  const evaluands: Named[] = [];
  const dispose = () => evaluands.forEach(({ dictionary }) => dictionary.dispose());
  try {
    for (const name of names) {
      const { host } = await readDictionary(name, { hub });
      const own = model.site(site ?? host.origin?.site ?? usualSite);
      const dictionary = openHostDictionary(model.device, host);
      evaluands.push({ name, site: own, dictionary });
      if (dictionary.D !== model.width) throw new DictlearnError("SHAPE", `${name}: expected D = ${model.width} (${own} of ${model.name}), got D = ${dictionary.D}`, "take a dictionary that was trained on this model");
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return { evaluands, [Symbol.dispose]: dispose };
}
