import { readTokenizer } from "../../../packages/dictlearn/dist/openTokenizer.js";
import { bytesOf, jsonTokens, oddCopy, oddJson, textOf } from "../json.js";

const pattern = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const small = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: [{ id: 0, content: "<|endoftext|>", single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }],
  normalizer: { type: "NFC" },
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
  decoder: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true },
  model: { type: "BPE", dropout: null, unk_token: null, fuse_unk: false, vocab: { "<|endoftext|>": 0, a: 1, b: 2, "\u0120": 3, ab: 4, "\u0120a": 5, c: 6 }, merges: ["a b", "\u0120 a"] },
};
const others = [
  { ...small, pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false }, { type: "ByteLevel", add_prefix_space: false, use_regex: false }] } },
  { ...small, normalizer: { type: "Sequence", normalizers: [{ type: "Replace", pattern: { Regex: " +" }, content: " " }, { type: "Lowercase" }] } },
  { ...small, model: { type: "WordPiece", unk_token: "a", continuing_subword_prefix: "##", max_input_chars_per_word: 100, vocab: small.model.vocab } },
  { ...small, model: { type: "Unigram", unk_id: 0, vocab: [["<|endoftext|>", 0], ["a", -1], ["b", -2]] } },
];
const bombs = ["(a+)+$", "(a|a)*$", "(\\w+\\s?)*$", "([a-z]+)*\\d", "(.*)*x", "(?=(a+))\\1*b", "^(([a-z])+.)+[A-Z]([a-z])+$"];

/** tokenizer.json of a model. Its patterns are a stranger's too: some take for ever on the right text. */
export const tokenizer = {
  name: "tokenizer",
  limit: 16 * 2 ** 20,
  seeds: [small, ...others].map((json) => bytesOf(JSON.stringify(json))),
  tokens: [...jsonTokens, ...["NFKD", "BertNormalizer", "Precompiled", "Metaspace", "WhitespaceSplit", "Punctuation", "Digits", "Split", "TemplateProcessing", "Unigram", "BPE", "WordLevel", "RemovedWithPrevious"].map((name) => bytesOf(`"type":"${name}",`)), ...bombs.map((bomb) => bytesOf(JSON.stringify(bomb)))],
  make(random) {
    const json = random.below(2) === 0 ? small : random.pick(others);
    if (random.below(6) === 0) return bytesOf(JSON.stringify({ ...small, pre_tokenizer: { type: "Split", pattern: { Regex: random.pick(bombs) }, behavior: random.pick(["Isolated", "Removed", "MergedWithNext", "x"]), invert: random.below(2) === 0 } }));
    return bytesOf(oddJson(oddCopy(json, random), random));
  },
  async read(bytes) {
    const folder = { name: "x", text: async (path) => (path === "tokenizer.json" ? textOf(bytes) : undefined) };
    const made = await readTokenizer(folder);
    const ids = made.encode("ab a  c aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa! \u00e9\ud83d\ude00");
    made.decode(ids);
  },
};
