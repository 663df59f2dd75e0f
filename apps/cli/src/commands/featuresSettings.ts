import { CommandError, underHeading } from "@dictlearn/command";
import { rowKinds, type RowKind } from "dictlearn";
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

/** What is meant where nothing is said. */
export const usually = { tokens: 1_000_000, contextLength: 128, skipFirst: 0, examples: 10, samples: 5, window: 32, topTokens: 10, nearest: 8, site: "layers.3.mlp_out", rows: "packed" } satisfies Partial<FeaturesSettings>;
/** Dictionaries of so many features or fewer have one taken out of an example each, unless it is said. */
export const ablatedByDefault = 4096;

const count = (least: number) => z.int().min(least).optional();
const name = (placeholder: string, text: string) => z.string().optional().describe(text).meta({ placeholder });

const orDemo = (usual: string) => `(default: ${usual}, or demo where nothing reaches the Hub)`;

/** Flags of what is saved; none has a default here, so that it can be told which were given. */
export const settingFlags = {
  ...underHeading("What to look at", {
    model: name("NAME|DIR|demo", `a model's folder, its name on the Hugging Face Hub, or demo ${orDemo("EleutherAI/pythia-70m-deduped")}`),
    revision: name("REV", "branch, tag or commit of a model on the Hub"),
    dictionary: name("PATH|hf:…|demo", `a dictionary of dictionary_learning, SAELens or sparsify, its config beside it: a path, hf:OWNER/REPO[@REV]/PATH on the Hub (ARCHIVE.zip!/ENTRY in a zip), or demo ${orDemo("pythia-70m-deduped/mlp_out_layer3/10_32768 on the Hub")}`),
    site: name("SITE", "the activation that it was trained on, such as layers.3.mlp_out or blocks.3.hook_resid_post (default: layers.3.mlp_out)"),
  }),
  ...underHeading("Texts", {
    datasetName: name("NAME|PATH|demo", `texts: a file, a folder, a glob, a data set on the Hub, or demo ${orDemo("monology/pile-uncopyrighted")}`),
    textColumn: name("NAME", "the data set's column of texts (default: text)"),
    split: name("NAME", "the data set's split (default: train)"),
    dataConfig: name("NAME", "configuration of a data set that has several"),
    dataRevision: name("REV", "branch, tag or commit of a data set on the Hub"),
    tokens: count(1).describe("tokens to read (default: 1000000)").meta({ placeholder: "N" }),
    contextLength: count(1).describe("the most tokens of a row (default: 128)").meta({ placeholder: "N" }),
    rows: z.enum(rowKinds).optional().describe("packed: texts end to end, every token used; document: a text a row, cut at the context length (default: packed)"),
    skipFirst: count(0).describe("leave out the first N positions of each row, whose activations are outliers (default: 0)").meta({ placeholder: "N" }),
  }),
  ...underHeading("What to say of a feature", {
    examples: count(0).describe("examples: the rows in which it is most active (default: 10)").meta({ placeholder: "N" }),
    samples: count(0).describe("beside them, rows drawn at random from all in which it is active (default: 5)").meta({ placeholder: "N" }),
    window: count(1).describe("tokens of an example (default: 32)").meta({ placeholder: "N" }),
    topTokens: count(1).describe("tokens promoted, and as many suppressed (default: 10)").meta({ placeholder: "N" }),
    nearest: count(1).describe("nearest features by decoder cosine (default: 8)").meta({ placeholder: "N" }),
    ablate: count(0).describe(`take it out of its N strongest examples, and say what becomes of the next token; that runs the model twice more on each (default: 1 for a dictionary of ${ablatedByDefault.toLocaleString("en")} features or fewer, else 0)`).meta({ placeholder: "N" }),
  }),
};

export type Given = { [K in keyof FeaturesSettings]?: FeaturesSettings[K] };

/** The settings that were given on the command line. */
export function givenOf(flags: Readonly<Record<string, unknown>>): Given {
  return Object.fromEntries(Object.keys(settingFlags).flatMap((key) => (flags[key] === undefined ? [] : [[key, flags[key]]])));
}

/** @throws CommandError USAGE for a setting that a look that goes on has already */
export function expectNoSettings(given: Given, folder: string): void {
  const [first] = Object.keys(given);
  if (first === undefined) return;
  const flag = `--${first.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new CommandError("USAGE", `${flag}: expected none beside --resume, got ${JSON.stringify(given[first as keyof Given])}`, `${folder} goes on with its own settings; start another with --out`);
}

