import { existsSync } from "node:fs";

const defaults = {
  model: "EleutherAI/pythia-70m-deduped",
  dictionary: "dictionaries/pythia-70m-deduped/mlp_out_layer3/10_32768/ae.pt",
};

/**
 * Which model and dictionary to open. What is asked for by name is never replaced. With neither given, the defaults are
 * taken where they lie in the person's folder; else the bundled demo stands in for both. If one is the demo, the other's
 * default is too, since only these two fit each other.
 */
export function chooseFiles({ model, dictionary }: { model?: string; dictionary?: string }, note: (line: string) => void): { model: string; dictionary: string } {
  if (model === undefined && dictionary === undefined) {
    const absent = Object.values(defaults).filter((path) => !existsSync(path));
    if (absent.length === 0) return defaults;
    note(`model and dictionary: no ${absent.join(" and no ")} here, so this is the bundled demo (--model and --dictionary name others)`);
    return { model: "demo", dictionary: "demo" };
  }
  const fallback = model === "demo" || dictionary === "demo" ? { model: "demo", dictionary: "demo" } : defaults;
  return { model: model ?? fallback.model, dictionary: dictionary ?? fallback.dictionary };
}
