import { DictionaryError } from "../error.js";
import { groupMaxClass } from "../dictionaries/groupMax.js";
import { classes, dictionaryLearning } from "./dictionary-learning.js";
import { type Config, type Format } from "./format.js";
import { listed } from "./readWeights.js";
import { saeLens } from "./saelens.js";
import { type DictionaryClass } from "./savedClass.js";
import { sparsify } from "./sparsify.js";

/** Every format that is read and written: a new one is a file and a line here. */
export const formats: readonly Format[] = [dictionaryLearning, saeLens, sparsify];

/** Every class that a file of these formats may be of, by names of their own. */
export const dictionaryClasses = [...classes, groupMaxClass] as readonly DictionaryClass<object>[];

/** @throws DictionaryError USAGE `format: expected dictionary-learning, saelens or sparsify, got "sae-lens"` */
export function formatNamed(name: string): Format {
  const found = formats.find((format) => format.name === name);
  if (!found) throw new DictionaryError("USAGE", `format: expected ${formats.map((format) => format.name).join(", ").replace(/, ([^,]*)$/, " or $1")}, got ${JSON.stringify(name)}`);
  return found;
}

/** What was found of a dictionary. */
export interface Found {
  readonly container: Format["container"];
  readonly names: readonly string[];
  /** The configs beside it, parsed, by their names. */
  readonly configs: Readonly<Record<string, Config>>;
}

/**
 * Of which format a dictionary is, by what it holds: the kind of its file, the keys of the config beside it, the names of its
 * tensors. What they are called decides nothing.
 * @throws DictionaryError FORMAT: unknown or mixed up; what was found is said
 */
export function recognise({ container, names, configs }: Found, subject: string): { format: Format; config?: Config } {
  const claimed = formats.flatMap((format) => Object.entries(configs).filter(([, config]) => format.claims(config)).map(([file, config]) => ({ format, file, config })));
  const here = claimed.filter(({ format }) => format.container === container);
  const fitting = formats.filter((format) => format.container === container && format.fits(names));
  if (here.length) {
    const { format, file, config } = here.find(({ format }) => fitting.includes(format)) ?? here[0];
    if (fitting.length && !fitting.includes(format))
      throw new DictionaryError("FORMAT", `${subject}: expected the tensors of ${format.library}, whose ${file} is beside it (${format.mark}), got those of ${either(fitting)}: ${listed(names)}`, "give the config that belongs to the weights");
    return { format, config };
  }
  if (claimed.length) {
    const [{ format, file }] = claimed;
    throw new DictionaryError("FORMAT", `${subject}: expected a ${format.container} file, as the ${file} beside it is ${format.library}'s (${format.mark}), got a ${container} file with ${listed(names)}`, "give the config that belongs to the weights");
  }
  const format = formats.find((one) => one.configless && one.container === container);
  if (format) return { format };
  const found = Object.entries(configs).map(([file, config]) => `${file} with ${listed(Object.keys(config))}`);
  if (fitting.length) throw new DictionaryError("FORMAT", `${subject}: expected a config beside these tensors of ${either(fitting)} (${fitting.map(({ files, mark }) => `${files.config} with ${mark}`).join("; ")}), got ${found.join("; ") || "none"}`);
  throw new DictionaryError("FORMAT", `${subject}: expected a dictionary of ${either(formats)}, got tensors ${listed(names)}; ${found.join("; ") || "no config"}`);
}

const either = (some: readonly Format[]): string => some.map(({ library }) => library).join(", ").replace(/, ([^,]*)$/, " or $1");
