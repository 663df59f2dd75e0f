import { type DefinedClasses } from "./dictionary-learning.js";
import { type HostDictionary } from "../hostDictionary.js";
import { type TensorFile } from "./readWeights.js";
import { type StateTensor } from "./writeDictionaryLearning.js";

/** A way in which a library saves a dictionary. A new one is a file with this, and a line in formats.ts. */
export interface Format {
  /** `saelens` */
  readonly name: string;
  /** How its library calls itself: for messages. */
  readonly library: string;
  /** What its two files are called, and what kind of file the weights are. */
  readonly files: { readonly weights: string; readonly config: string };
  readonly container: "torch" | "safetensors";
  /** What of a config tells it, in words. */
  readonly mark: string;
  /** Whether a config is this library's. */
  claims(config: Config): boolean;
  /** Whether a file without a config can be read. */
  readonly configless: boolean;
  /** Whether a file has exactly the tensors of one of its classes. */
  fits(names: readonly string[]): boolean;
  /** @throws DictionaryError FORMAT, UNSUPPORTED: what was found is said */
  read(file: TensorFile, options: ReadHostOptions): Promise<HostDictionary>;
  /** @throws DictionaryError UNSUPPORTED for a dictionary that its library has no form for */
  write(host: HostDictionary): Written;
}

/** A dictionary as a format has it. */
export interface Written {
  readonly tensors: Readonly<Record<string, StateTensor>>;
  readonly config: Config;
  /** What its library calls it: `jumprelu`. */
  readonly as: string;
  /** What was folded or left out on the way from its file to here, a line each. */
  readonly changes: readonly string[];
}

export type Config = Readonly<Record<string, unknown>>;

export interface ReadHostOptions extends DefinedClasses {
  /** What errors call it. */
  subject: string;
  /** The config beside the weights, parsed. */
  config?: Config;
  /** Of dictionary_learning's `AutoEncoder`: make decoder columns unit vectors, as its from_pretrained does. Default true. */
  normalizeDecoder?: boolean;
  /** Nothing will be decoded: the decoder may stay in its file, where that spares memory and time. `decode` refuses then. */
  encodeOnly?: boolean;
}
