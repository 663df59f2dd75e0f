import { type Device } from "@dictlearn/kernels";
import { type Dictionary } from "../dictionary.js";
import { savedAutoEncoder } from "../dictionaries/autoEncoder.js";
import { savedAutoEncoderNew } from "../dictionaries/autoEncoderNew.js";
import { DictionaryError } from "../error.js";
import { weight } from "../weight.js";

/** Every class that can be read: a new one is a file in dictionaries/ and a line here. */
const classes: readonly SavedClass[] = [savedAutoEncoder, savedAutoEncoderNew];

/** An opened file of named tensors: what `@dictlearn/checkpoint` opens, or a Map in a test. */
export interface TensorFile {
  readonly names: readonly string[];
  info(name: string): Promise<{ readonly shape: readonly number[] }>;
  /** The caller may change what it gets. */
  read(name: string): Promise<{ readonly dtype: string; readonly data: ArrayBufferView }>;
}

/** How dictionary_learning saves one of its classes. */
export interface SavedClass {
  /** `dict_class` of config.json. */
  readonly name: string;
  /** Every tensor of its state_dict with its dimensions; a letter is settled by its first tensor in this order: biases first. */
  readonly tensors: Readonly<Record<string, readonly ("D" | "F")[]>>;
  open(saved: {
    device: Device;
    subject: string;
    normalizeDecoder: boolean;
    D: number;
    F: number;
    /** f32 of the shape above, every value finite. */
    read(name: string): Promise<Float32Array>;
  }): Promise<Dictionary>;
}

export interface ReadOptions {
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
 * @throws DictionaryError FORMAT: an unknown class, a missing or unexpected tensor, a wrong shape or dtype, NaN
 */
export async function readDictionaryLearning(file: TensorFile, options: ReadOptions): Promise<Dictionary> {
  const { device, subject = "dictionary", config, normalizeDecoder = true } = options;
  const saved = classOf(file.names, config, subject);
  const { D, F } = await dimensions(saved, file, subject);
  return saved.open({ device, subject, normalizeDecoder, D, F, read: async (name) => weight(subject, name, await file.read(name)) });
}

/** D and F, on which every tensor of the file must agree. */
async function dimensions(saved: SavedClass, file: TensorFile, subject: string): Promise<Record<"D" | "F", number>> {
  const dims: Record<string, number> = {};
  for (const [name, letters] of Object.entries(saved.tensors)) {
    const { shape } = await file.info(name);
    const expected = letters.map((letter, i) => (dims[letter] ??= shape[i]));
    if (String(shape) !== String(expected)) throw wrongShape(subject, name, expected, shape, Object.entries(dims));
  }
  return dims as Record<"D" | "F", number>;
}

function wrongShape(subject: string, name: string, expected: readonly number[], got: readonly number[], dims: [string, number][]): DictionaryError {
  const turned = String(got) === String([...expected].reverse());
  const settled = dims.map(([letter, n]) => `${letter} = ${n}`).join(", ");
  return new DictionaryError(
    "FORMAT",
    `${subject}: expected ${name} [${expected.join(",")}], got [${got.join(",")}] (${settled} by the biases)`,
    turned ? "it looks transposed" : undefined,
  );
}

function classOf(names: readonly string[], config: unknown, subject: string): SavedClass {
  const known = classes.map(({ name }) => name).join(" or ");
  const said = (config as { trainer?: { dict_class?: unknown } } | null | undefined)?.trainer?.dict_class;
  const named = classes.find(({ name }) => name === said);
  if (said !== undefined && !named) throw new DictionaryError("UNSUPPORTED", `${subject}: expected dict_class ${known}, got ${JSON.stringify(said)} (config.json)`);

  const unlike = (saved: SavedClass) => missing(saved, names).length + unexpected(saved, names).length;
  const best = named ?? [...classes].sort((a, b) => unlike(a) - unlike(b))[0];
  const shared = names.filter((name) => name in best.tensors);
  if (!named && shared.length < 2)
    throw new DictionaryError("FORMAT", `${subject}: expected the tensors of ${known}, got ${listed(names)}`, "other classes cannot be read yet");
  const lacks = missing(best, names);
  if (lacks.length) throw new DictionaryError("FORMAT", `${subject}: expected ${listed(Object.keys(best.tensors))} (${best.name}), got no ${listed(lacks)}`);
  const extra = unexpected(best, names);
  if (extra.length) throw new DictionaryError("FORMAT", `${subject}: expected ${listed(Object.keys(best.tensors))} (${best.name}), got also ${listed(extra)}`);
  return best;
}

const missing = (saved: SavedClass, names: readonly string[]) => Object.keys(saved.tensors).filter((name) => !names.includes(name));
const unexpected = (saved: SavedClass, names: readonly string[]) => names.filter((name) => !Object.hasOwn(saved.tensors, name));
const listed = (names: readonly string[]) => (names.length ? names.slice(0, 8).join(", ") + (names.length > 8 ? ` and ${names.length - 8} more` : "") : "none");
