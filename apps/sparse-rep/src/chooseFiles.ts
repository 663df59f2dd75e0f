import { existsSync } from "node:fs";
import { type Hub } from "@dictlearn/hub";
import { outOfReach } from "dictlearn";

const model = "EleutherAI/pythia-70m-deduped";
/** Where the person stands, and in an archive of 2 GB on the Hub of which it is one entry. */
const dictionary = {
  local: "dictionaries/pythia-70m-deduped/mlp_out_layer3/10_32768/ae.pt",
  repo: "saprmarks/pythia-70m-deduped-saes",
  zip: "dictionaries_pythia-70m-deduped_10.zip",
  entry: "mlp_out_layer3/10_32768",
};
const demo: Choice = { model: "demo", dictionary: "demo" };

export interface Choice {
  model: string;
  dictionary: string;
}

/**
 * Which model and dictionary to open. What is asked for by name is never replaced. With neither given, the defaults are
 * taken where they lie in the person's folder, else from the Hub; where that cannot be reached the bundled demo stands in
 * for both. If one is the demo, the other's default is too, since only these two fit each other.
 */
export async function chooseFiles(given: Partial<Choice>, { hub, offline, note }: { hub: Hub; offline: boolean; note: (line: string) => void }): Promise<Choice> {
  const defaults: Choice = { model, dictionary: existsSync(dictionary.local) ? dictionary.local : `hf:${dictionary.repo}/${dictionary.zip}!/${dictionary.entry}/ae.pt` };
  if (given.model !== undefined || given.dictionary !== undefined) {
    const fallback = given.model === "demo" || given.dictionary === "demo" ? demo : defaults;
    return { model: given.model ?? fallback.model, dictionary: given.dictionary ?? fallback.dictionary };
  }
  // The smallest file of each tells whether the Hub, or else its cache, can be used.
  const absent = await outOfReach(
    [
      ...(existsSync(model) ? [] : [() => hub.file({ repo: model }, "config.json")]),
      ...(existsSync(dictionary.local) ? [] : [() => hub.zipEntry({ repo: dictionary.repo }, dictionary.zip, `${dictionary.entry}/config.json`)]),
    ],
    { offline },
  );
  if (absent === undefined) return defaults;
  note(`model and dictionary: the Hugging Face Hub is out of reach (${absent}), so this is the bundled demo (--model and --dictionary name others)`);
  return demo;
}
