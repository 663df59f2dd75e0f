import { existsSync } from "node:fs";
import { CommandError } from "@dictlearn/command";
import { type Hub } from "@dictlearn/hub";
import { outOfReach, rowKinds, type RowKind } from "dictlearn";
import { z } from "zod";

/** What a look at features is of. It is saved with it, and what goes on with it takes these. */
export interface FeaturesSettings {
  model: string;
  revision?: string;
  dictionary: string;
  site: string;
  datasetName: string;
  split?: string;
  dataConfig?: string;
  dataRevision?: string;
  textColumn?: string;
  tokens: number;
  contextLength: number;
  rows: RowKind;
  skipFirst: number;
  examples: number;
  samples: number;
  window: number;
  topTokens: number;
  nearest: number;
  ablate?: number;
}

const usual = { model: "EleutherAI/pythia-70m-deduped", dataset: "monology/pile-uncopyrighted" };
const usualDictionary = {
  local: "dictionaries/pythia-70m-deduped/mlp_out_layer3/10_32768/ae.pt",
  hub: "hf:saprmarks/pythia-70m-deduped-saes/dictionaries_pythia-70m-deduped_10.zip!/mlp_out_layer3/10_32768/ae.pt",
};

const numbers = { tokens: 1_000_000, contextLength: 128, skipFirst: 0, examples: 10, samples: 5, window: 32, topTokens: 10, nearest: 8 };
/** Dictionaries of so many features or fewer have one taken out of an example each, unless it is said. */
export const ablatedByDefault = 4096;

const count = (least: number) => z.int().min(least).optional();
const name = (placeholder: string, text: string) => z.string().optional().describe(text).meta({ placeholder });

/** Flags of what is saved; none has a default here, so that it can be told which were given. */
export const settingFlags = {
  model: name("NAME|DIR|demo", `a model's folder, its name on the Hugging Face Hub, or demo (default: ${usual.model})`),
  revision: name("REV", "branch, tag or commit of a model on the Hub"),
  dictionary: name("PATH|hf:…|demo", "a dictionary of dictionary_learning (ae.pt), SAELens or sparsify, its config beside it: a path, hf:OWNER/REPO[@REV]/PATH on the Hub, or demo (default: pythia-70m-deduped's of 32,768 features, here or on the Hub)"),
  site: name("SITE", "the activation that it was trained on, such as layers.3.mlp_out or blocks.3.hook_resid_post (default: layers.3.mlp_out)"),
  datasetName: name("NAME|DIR|demo", `texts: a file, a folder, a glob, a data set's name on the Hub, or demo (default: ${usual.dataset})`),
  textColumn: name("NAME", "the data set's column of texts (default: text)"),
  split: name("NAME", "the data set's split (default: train)"),
  dataConfig: name("NAME", "configuration of a data set that has several"),
  dataRevision: name("REV", "branch, tag or commit of a data set on the Hub (default: main)"),
  tokens: count(1).describe("tokens to read (default: 1000000)").meta({ placeholder: "N" }),
  contextLength: count(1).describe("the most tokens of a row (default: 128)").meta({ placeholder: "N" }),
  rows: z.enum(rowKinds).optional().describe("packed: texts end to end, every token used; document: a text a row, cut at the context length (default: packed)"),
  skipFirst: count(0).describe("leave out the first N positions of each row, whose activations are outliers (default: 0)").meta({ placeholder: "N" }),
  examples: count(0).describe("examples of each feature: the rows in which it is most active (default: 10)").meta({ placeholder: "N" }),
  samples: count(0).describe("beside them, rows drawn at random from all in which it is active (default: 5)").meta({ placeholder: "N" }),
  window: count(1).describe("tokens of an example (default: 32)").meta({ placeholder: "N" }),
  topTokens: count(1).describe("tokens promoted, and as many suppressed (default: 10)").meta({ placeholder: "N" }),
  nearest: count(1).describe("nearest features by decoder cosine (default: 8)").meta({ placeholder: "N" }),
  ablate: count(0).describe(`take each feature out of its N strongest examples and say what becomes of the next token; it takes as long as reading these rows twice more, and longer (default: 1 for a dictionary of ${ablatedByDefault.toLocaleString("en")} features or fewer, else 0)`).meta({ placeholder: "N" }),
};

type Given = { [K in keyof FeaturesSettings]?: FeaturesSettings[K] };

/** The settings that were given on the command line. */
export function givenOf(flags: Readonly<Record<string, unknown>>): Given {
  return Object.fromEntries(Object.keys(settingFlags).flatMap((key) => (flags[key] === undefined ? [] : [[key, flags[key]]])));
}

/**
 * What to look at. What was named is never replaced. Where no model, dictionary or texts were named, and the Hub can't be
 * reached, the bundled demo stands in for all; if one of them is the demo, the others' defaults are too.
 */
export async function chooseSettings(given: Given, { hub, offline, note }: { hub: Hub; offline: boolean; note: (line: string) => void }): Promise<FeaturesSettings> {
  const named = [given.model, given.dictionary, given.datasetName];
  let isDemo = named.includes("demo");
  if (named.every((name) => name === undefined)) {
    const why = await outOfReach(
      [
        ...(existsSync(usual.model) ? [] : [() => hub.file({ repo: usual.model }, "config.json")]),
        ...(existsSync(usual.dataset) ? [] : [() => hub.file({ type: "dataset", repo: usual.dataset }, "README.md")]),
      ],
      { offline },
    );
    isDemo = why !== undefined;
    if (isDemo) note(`model, dictionary and texts: the Hugging Face Hub is out of reach (${why}), so this is the bundled demo (--model, --dictionary and --dataset-name name others)`);
  }
  const defaults = isDemo ? { model: "demo", dictionary: "demo", datasetName: "demo" } : { model: usual.model, dictionary: existsSync(usualDictionary.local) ? usualDictionary.local : usualDictionary.hub, datasetName: usual.dataset };
  return { ...defaults, ...numbers, site: "layers.3.mlp_out", rows: "packed", ...given };
}

/** @throws CommandError USAGE for a setting that a look that goes on has already */
export function expectNoSettings(given: Given, folder: string): void {
  const [first] = Object.keys(given);
  if (first === undefined) return;
  const flag = `--${first.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new CommandError("USAGE", `${flag}: expected none beside --resume, got ${JSON.stringify(given[first as keyof Given])}`, `${folder} goes on with its own settings; start another with --out`);
}

