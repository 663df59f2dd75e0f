import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";
import { DictlearnError } from "./error.js";
import { type Folder, pathIn } from "./folder.js";
import { modelFolder, type ModelPlace } from "./modelFolder.js";
import { readJson } from "./readJson.js";
import { refuseFalseLengths } from "./falseLengths.js";
import { refuseGrowth } from "./growingSteps.js";
import { refuseSlowPatterns } from "./slowPatterns.js";
import { tokenTexts, utf8Length } from "./tokenTexts.js";

const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((one) => typeof one === "string");

export interface Tokenizer {
  /** Token ids of a text; "" has none. */
  encode(text: string): Uint32Array;
  decode(ids: ArrayLike<number>): string;
  /**
   * A text in the pieces that its first tokens stand for, [T]: joined they are the text, or its beginning where it has more
   * tokens. A character that several tokens share stands in the one that completes it; those before it are "".
   * @param ids the first of `encode(text)`
   * @param whole whether these are all of them
   */
  split(text: string, ids: ArrayLike<number>, whole: boolean): string[];
  /** The id that ends a text; NeoX models also pad with it. */
  readonly endOfText: number;
}

/**
 * The tokenizer of a model: `tokenizer.json`, and `tokenizer_config.json` where there is one.
 * @param name as of `openModel`
 * @throws NOT_FOUND, FORMAT, and what the Hub throws
 */
export async function openTokenizer(name: string, place: ModelPlace = {}): Promise<Tokenizer> {
  return readTokenizer(await modelFolder(name, place));
}

export async function readTokenizer(folder: Folder): Promise<Tokenizer> {
  const path = pathIn(folder, "tokenizer.json");
  const [json, config = {}] = await Promise.all([readJson(folder, "tokenizer.json"), readJson(folder, "tokenizer_config.json")]);
  if (!json) throw new DictlearnError("NOT_FOUND", `${path}: expected the tokenizer of the model, got no such file`);
  refuseSlowPatterns(json, path);
  refuseGrowth(json, path);
  refuseFalseLengths(json, path);
  /** What the library throws for a file that is no tokenizer, in our words. */
  const told = <T>(body: () => T): T => {
    try {
      return body();
    } catch (cause) {
      throw new DictlearnError("FORMAT", `${path}: expected a tokenizer that @huggingface/tokenizers can read, got ${(cause as Error).message.slice(0, 200)}`);
    }
  };
  const model = (json.model ?? {}) as { vocab?: unknown; merges?: unknown };
  if (isTexts(model.merges)) model.merges = model.merges.map((pair) => pair.split(" ", 2)); // as the library would
  const tokenizer = told(() => new HuggingFaceTokenizer(json, config));
  // The library keeps the model's part and its list of pairs, but has tables of its own now: 10 MB less of Pythia's.
  delete model.vocab;
  if (Array.isArray(model.merges)) model.merges.length = 0;

  const name = textOf(config.eos_token) ?? "<|endoftext|>";
  const endOfText = told(() => tokenizer.token_to_id(name));
  if (!isId(endOfText)) throw new DictlearnError("FORMAT", `${path}: expected the end-of-text token ${name} in the vocabulary, got none`);
  const added = told(() => tokenizer.get_added_tokens_decoder());
  // A byte-level token has a character for each byte; those that were added stand as they are.
  const bytesOf = (id: number) => (added.has(id) ? utf8Length(added.get(id)!.content) : (tokenizer.id_to_token(id) ?? "").length);
  const { normalizer } = tokenizer;
  return {
    endOfText,
    split: (text, ids, whole) => told(() => tokenTexts(text, Array.from(ids, bytesOf), { whole, ...(normalizer && { normalize: (part) => normalizer.normalize(part) }) })),
    encode(text) {
      const ids: unknown[] = text === "" ? [] : told(() => tokenizer.encode(text).ids);
      if (!ids.every(isId)) throw new DictlearnError("FORMAT", `${path}: expected whole numbers as ids of tokens, got ${(JSON.stringify(ids.find((id) => !isId(id))) ?? "none").slice(0, 60)}`);
      return Uint32Array.from(ids);
    },
    // The library refuses an empty list; the clean-up of spaces would change the text.
    decode: (ids) => (ids.length ? told(() => tokenizer.decode(Array.from(ids), { clean_up_tokenization_spaces: false })) : ""),
  };
}

const isId = (id: unknown): id is number => typeof id === "number" && id >>> 0 === id;

/** A special token is written as text or as `{ content }`. */
function textOf(token: unknown): string | undefined {
  const content = typeof token === "object" && token !== null ? (token as { content?: unknown }).content : token;
  return typeof content === "string" ? content : undefined;
}
