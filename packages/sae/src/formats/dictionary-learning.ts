import { type Device } from "@dictlearn/kernels";
import { type Dimensions } from "../defineDictionaryForward.js";
import { type Dictionary } from "../dictionary.js";
import { savedAutoEncoder } from "../dictionaries/autoEncoder.js";
import { savedAutoEncoderNew } from "../dictionaries/autoEncoderNew.js";
import { savedAutoEncoderTopK } from "../dictionaries/autoEncoderTopK.js";
import { savedBatchTopK } from "../dictionaries/batchTopK.js";
import { savedGatedAutoEncoder } from "../dictionaries/gatedAutoEncoder.js";
import { savedJumpReluAutoEncoder } from "../dictionaries/jumpReluAutoEncoder.js";
import { savedMatryoshkaBatchTopK } from "../dictionaries/matryoshkaBatchTopK.js";
import { DictionaryError } from "../error.js";
import { expectWeightsAlone, foldDecoderBias, openHostDictionary, type HostDictionary, type Origin } from "../hostDictionary.js";
import { numberOf, said, textOf } from "./configValue.js";
import { type Config, type Format, type ReadHostOptions } from "./format.js";
import { difference, listed, readWeights, type TensorFile } from "./readWeights.js";
import { tensorsOf, type DictionaryClass, type SavedClass, type Variants } from "./savedClass.js";
import { layerOf, submoduleName } from "./siteName.js";
import { writeDictionaryLearning } from "./writeDictionaryLearning.js";

/** Every class that can be read: a new one is a file in dictionaries/ and a line here. */
export const classes: readonly SavedClass<object>[] = [
  savedAutoEncoder,
  savedAutoEncoderNew,
  savedGatedAutoEncoder,
  savedJumpReluAutoEncoder,
  savedAutoEncoderTopK,
  savedBatchTopK,
  savedMatryoshkaBatchTopK,
];

/** Classes of one's own that config.json may name: what `defineDictionary` makes. */
export interface DefinedClasses {
  definitions?: readonly { readonly name: string; saved(dimensions: Dimensions): SavedClass<object> }[];
}

export interface ReadOptions extends Variants, DefinedClasses {
  device: Device;
  /** What errors call the file. */
  subject?: string;
  /** The config.json beside it, parsed; names the class. Without it the tensors' names decide. */
  config?: unknown;
  /** As dictionary_learning's from_pretrained: make the columns of an `AutoEncoder`'s decoder unit vectors. */
  normalizeDecoder?: boolean;
}

/**
 * A dictionary as saprmarks/dictionary_learning saves it (`ae.pt` with `config.json`), read as its from_pretrained does.
 * @throws DictionaryError FORMAT: an unknown class, a missing or unexpected tensor, a wrong shape or dtype, NaN;
 *   USAGE: a variant that its class does not have
 */
export async function readDictionaryLearning(file: TensorFile, options: ReadOptions): Promise<Dictionary> {
  const { device, subject = "dictionary", config, definitions, normalizeDecoder, ...variants } = options;
  const host = await read(file, { subject, config: config as Config | undefined, definitions, normalizeDecoder });
  refuseUnknown(variants, host.kind, subject);
  return openHostDictionary(device, host, variants);
}

/** saprmarks/dictionary_learning: `ae.pt` with `config.json`. */
export const dictionaryLearning: Format = {
  name: "dictionary-learning",
  library: "dictionary_learning",
  files: { weights: "ae.pt", config: "config.json" },
  container: "torch",
  mark: "trainer",
  configless: true,
  claims: (config) => typeof config.trainer === "object" && config.trainer !== null,
  fits: (names) => classes.some((saved) => Object.values(difference(saved, names)).flat().length === 0),
  read,
  write(host) {
    const { kind, weights, origin = {}, changes = [] } = foldDecoderBias(host);
    expectWeightsAlone(host);
    if (!("tensors" in kind)) throw new DictionaryError("UNSUPPORTED", `${kind.name}: expected ${either(classes)} for dictionary_learning, got ${kind.name}`);
    const { model, site, contextLength } = origin;
    const layer = site && layerOf(site);
    const trainer = { ...(layer !== undefined && { layer }), ...(model !== undefined && { lm_name: model }), ...(site !== undefined && { submodule_name: submoduleName(site) }) };
    return { ...writeDictionaryLearning(kind as SavedClass<object>, weights, { trainer, ...(contextLength !== undefined && { buffer: { ctx_len: contextLength } }) }), as: kind.name, changes };
  },
};

async function read(file: TensorFile, { subject, config, definitions = [], normalizeDecoder = true, encodeOnly = false }: ReadHostOptions): Promise<HostDictionary> {
  const defined = definedIn(config, definitions); // what such a class does with its decoder is its own affair
  const saved = defined ?? classOf(file.names, config, subject);
  const normalize = normalizeDecoder ? saved.normalize : undefined;
  const weights = await readWeights(saved, file, subject, encodeOnly && !defined ? { decoder: normalize ? "norms" : "nothing" } : {});
  const own = { kind: saved, weights, origin: originOf(config) };
  const unit = normalize ? normalize(weights, subject) : weights;
  return unit === weights ? own : { ...own, weights: unit, changes: ["the decoder's columns, made unit vectors as from_pretrained does: encoder and its bias multiplied by their norms"] };
}

function originOf(config: Config | undefined): Origin {
  const { trainer, buffer } = (config ?? {}) as { trainer?: Config; buffer?: Config };
  const [model, site, contextLength] = [textOf(trainer?.lm_name), textOf(trainer?.submodule_name), numberOf(buffer?.ctx_len)];
  return { ...(model !== undefined && { model }), ...(site !== undefined && { site }), ...(contextLength !== undefined && { contextLength }) };
}

/** The class of one's own that config.json names. */
function definedIn(config: unknown, definitions: NonNullable<ReadOptions["definitions"]>): SavedClass<object> | undefined {
  const { dict_class, activation_dim, dict_size } = (config as { trainer?: { dict_class?: unknown; activation_dim?: unknown; dict_size?: unknown } } | null | undefined)?.trainer ?? {};
  return definitions.find(({ name }) => name === dict_class)?.saved({ D: numberOf(activation_dim) ?? NaN, F: numberOf(dict_size) ?? NaN });
}

function classOf(names: readonly string[], config: unknown, subject: string): SavedClass<object> {
  const wanted = (config as { trainer?: { dict_class?: unknown } } | null | undefined)?.trainer?.dict_class;
  if (wanted !== undefined) {
    const named = classes.find(({ name }) => name === wanted);
    if (!named) throw new DictionaryError("UNSUPPORTED", `${subject}: expected dict_class ${either(classes)}, got ${said(wanted)} (config.json)`, "a class of one's own is given as definitions: [it]");
    return named;
  }

  const unlike = (saved: SavedClass<object>) => Object.values(difference(saved, names)).flat().length;
  const least = Math.min(...classes.map(unlike));
  const alike = classes.filter((saved) => unlike(saved) === least);
  if (tensorsOf(alike[0]).length - difference(alike[0], names).missing.length < 2)
    throw new DictionaryError("FORMAT", `${subject}: expected the tensors of ${either(classes)}, got ${listed(names)}`);
  if (alike.length > 1 && least === 0)
    throw new DictionaryError(
      "FORMAT",
      `${subject}: expected the config.json beside it to say whether this is ${either(alike)}, got none`,
      `their tensors have the same names; give config: { trainer: { dict_class: "${alike[0].name}" } }`,
    );
  return alike[0];
}

function refuseUnknown(variants: Variants, saved: DictionaryClass<object>, subject: string): void {
  for (const [name, value] of Object.entries(variants))
    if (value !== undefined && !saved.variants?.some((known) => known === name))
      throw new DictionaryError("USAGE", `${subject}: expected ${saved.variants?.join(" or ") ?? "no variant"} for ${saved.name}, got ${name}`);
}

const either = (some: readonly SavedClass<object>[]): string =>
  some.map(({ name }) => name).join(", ").replace(/, ([^,]*)$/, " or $1");
