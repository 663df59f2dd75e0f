import { CommandError } from "@dictlearn/command";
import { april, batchTopK, configName, gated, gatedAnneal, jumpRelu, matryoshka, optionName, pAnneal, standard, topK, type TrainerSpec } from "@dictlearn/sae";
import { meant } from "./params.js";

type Options = Readonly<Record<string, unknown>>;

interface Kind {
  /** Options that are not checked here: the trainer itself says what is wrong with them. */
  make(options: never): TrainerSpec;
  /** What it can't be made without. */
  needs?: Options;
  /** What the original script gave its trainer, where that is not dictionary_learning's default. */
  original?(steps: number): Options;
}

const kinds: Readonly<Record<string, Kind>> = {
  standard: { make: standard, original: (steps) => ({ lr: 3e-4, l1Penalty: 2, warmupSteps: Math.floor(0.1 * steps), sparsityWarmupSteps: null }) },
  april: { make: april },
  gated: { make: gated },
  jumprelu: { make: jumpRelu },
  topk: { make: topK, needs: { k: 1 } },
  "batch-topk": { make: batchTopK, needs: { k: 1 } },
  matryoshka: { make: matryoshka, needs: { k: 1, groupFractions: [1] } },
  "p-anneal": { make: pAnneal },
  "gated-anneal": { make: gatedAnneal },
};
export const trainerNames = Object.keys(kinds);

/** The names of a trainer's options as dictionary_learning spells them. */
const optionsOf = ({ make, needs }: Kind): string[] => Object.keys(make({ features: 1, ...needs } as never).hyper).map(configName);

/** Every option that some trainer has, but the number of features, which has a flag of its own. */
export const allOptions = [...new Set(Object.values(kinds).flatMap(optionsOf))].filter((name) => name !== "dict_size");

/** Which trainers have an option. */
export const trainersWith = (option: string): string[] => trainerNames.filter((name) => optionsOf(kinds[name]).includes(option));

/** A trainer as it was asked for: its name, and options as dictionary_learning spells them. */
export interface TrainerChoice {
  readonly name: string;
  readonly options: Options;
}

/**
 * `topk:k=32,lr=1e-4`: a name, and options that dictionary_learning's constructor has.
 * @throws CommandError USAGE `--trainer topk: expected options …, got kk` — did you mean k?
 */
export function parseTrainer(text: string): TrainerChoice {
  const [name, ...rest] = text.split(":");
  kindOf(name);
  const options: Record<string, unknown> = {};
  for (const part of splitList(rest.join(":"))) {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(part) ?? [];
    if (key === undefined) throw new CommandError("USAGE", `--trainer ${name}: expected key=value, got ${JSON.stringify(part)}`, "such as --trainer topk:k=32,lr=0.0001");
    options[key.trim()] = parseOption(value);
  }
  return checkedChoice({ name, options });
}

/** @throws CommandError USAGE for an option that the trainer does not have */
export function checkedChoice({ name, options }: TrainerChoice): TrainerChoice {
  const known = optionsOf(kindOf(name));
  const spelled = Object.fromEntries(Object.entries(options).map(([key, value]) => [configName(optionName(key.replaceAll("-", "_"))), value]));
  for (const key of Object.keys(spelled))
    if (!known.includes(key)) throw new CommandError("USAGE", `--trainer ${name}: expected options ${known.join(", ")}, got ${key}`, meant(key, known));
  return { name, options: spelled };
}

/** As `--trainer` takes it. */
export function spelled({ name, options }: TrainerChoice): string {
  const given = Object.entries(options).map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return given.length === 0 ? name : `${name}:${given.join(",")}`;
}

/** 0.1, null, [0.5,0.5], or text such as Lp^p. */
export function parseOption(text: string): unknown {
  if (/^none$/i.test(text)) return null; // as Python writes it
  try {
    return JSON.parse(text);
  } catch {
    return text.trim() !== "" && !Number.isNaN(Number(text)) ? Number(text) : text; // 1e-4 is JSON, .5 is not
  }
}

/** The trainer in a run of so many steps. @throws CommandError or DictionaryError USAGE for options without sense */
export function specOf({ name, options }: TrainerChoice, { features, steps }: { features: number; steps: number }): TrainerSpec {
  const { make, needs = {}, original } = kindOf(name);
  const given: Options = { features, ...original?.(steps), ...Object.fromEntries(Object.entries(options).map(([key, value]) => [optionName(key), value])) };
  for (const need of Object.keys(needs)) if (given[need] === undefined) throw new CommandError("USAGE", `--trainer ${name}: expected ${configName(need)}, got none`, `such as --trainer ${name}:${exampleOf(needs)}`);
  return make(given as never);
}

const exampleOf = (needs: Options): string => Object.keys(needs).map((need) => (need === "k" ? "k=32" : `${configName(need)}=[0.25,0.75]`)).join(",");

function kindOf(name: string): Kind {
  if (!Object.hasOwn(kinds, name)) throw new CommandError("USAGE", `--trainer: expected one of ${trainerNames.join(", ")}, got ${JSON.stringify(name)}`, meant(name, trainerNames));
  return kinds[name];
}

/** At commas, but not inside brackets. */
function splitList(text: string): string[] {
  return text === "" ? [] : text.split(/,(?![^[]*\])/);
}
