// Files of the real shape without the real weights: a model like EleutherAI/pythia-70m-deduped (6 layers, 512 wide,
// vocabulary 50,304, f16 on disk), a byte-level BPE tokenizer of 50,254 entries, a dictionary of 32,768 features as
// dictionary_learning saves it, and 59 sentences. Everything follows from a seed; nothing needs Python.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";

const version = 2; // raise it when what is written changes

/** @returns the folder: model/, dictionary/{ae.pt,config.json}, sentences.csv, texts.jsonl */
export function realShapeFiles(folder) {
  const done = join(folder, "done.json");
  if (existsSync(done) && JSON.parse(readFileSync(done, "utf8")).version === version) return folder;
  mkdirSync(join(folder, "model"), { recursive: true });
  mkdirSync(join(folder, "dictionary"), { recursive: true });
  const words = pseudoWords(40_000);
  const known = writeTokenizer(join(folder, "model"), words);
  writeModel(join(folder, "model"));
  writeDictionary(join(folder, "dictionary"));
  writeFileSync(join(folder, "sentences.csv"), `sentence\n${sentences(known, 59).map((text) => `"${text}"\n`).join("")}`);
  writeFileSync(join(folder, "texts.jsonl"), documents(known, 1000));
  writeFileSync(`${done}.part`, JSON.stringify({ version }));
  renameSync(`${done}.part`, done);
  return folder;
}

/** Uniform in [0, 1), the same for a seed everywhere (mulberry32). */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let bits = Math.imul(seed ^ (seed >>> 15), seed | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}

// ── text ────────────────────────────────────────────────────────────────────────────────────────

/** Distinct words of one to four syllables. */
function pseudoWords(count) {
  const next = random(1);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const starts = "b c d f g h j k l m n p r s t v w br ch cl cr dr fl gr pl pr sh sl sp st str th tr wh".split(" ");
  const middles = "a e i o u ai ea ee ou ie".split(" ");
  const ends = ["", "", "", "n", "r", "s", "t", "l", "m", "d", "ng", "st", "nd", "rt"];
  const words = new Set();
  while (words.size < count) {
    let word = "";
    for (let syllables = 1 + Math.floor(next() * 4); syllables > 0; syllables--) word += pick(starts) + pick(middles) + pick(ends);
    words.add(word);
  }
  return [...words];
}

/** Sentences of 6 to 30 words. */
function sentences(words, count, next = random(2)) {
  return Array.from({ length: count }, () => {
    const text = Array.from({ length: 6 + Math.floor(next() * 25) }, () => words[Math.floor(next() ** 2 * words.length)]).join(" ");
    return `${text[0].toUpperCase()}${text.slice(1)}.`;
  });
}

/** JSON lines, texts of 1 to 40 sentences: some 400 tokens each. */
function documents(words, count) {
  const next = random(4);
  return Array.from({ length: count }, () => `${JSON.stringify({ text: sentences(words, 1 + Math.floor(next() * 40), next).join(" ") })}\n`).join("");
}

/**
 * A tokenizer.json laid out as GPT-NeoX-20B's: each word is reached through its prefixes, one merge each.
 * @returns the words that found room, one token each
 */
function writeTokenizer(folder, words) {
  const vocabulary = new Map([["<|endoftext|>", 0], ["<|padding|>", 1]]);
  const add = (token) => vocabulary.has(token) || vocabulary.set(token, vocabulary.size);
  for (const byte of byteCharacters()) add(byte);
  const merges = [];
  let known = 0;
  fill: for (const word of words) {
    for (let prefix = "Ġ", i = 0; i < word.length; prefix += word[i++]) {
      if (vocabulary.has(prefix + word[i])) continue;
      if (vocabulary.size === 50_254) break fill;
      merges.push(`${prefix} ${word[i]}`);
      add(prefix + word[i]);
    }
    known++;
  }
  const special = (id, content) => ({ id, special: true, content, single_word: false, lstrip: false, rstrip: false, normalized: false });
  const spaces = Array.from({ length: 23 }, (_, i) => ({ ...special(50_254 + i, " ".repeat(24 - i)), special: false, normalized: true }));
  const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true };
  const tokenizer = {
    version: "1.0", truncation: null, padding: null,
    added_tokens: [special(0, "<|endoftext|>"), special(1, "<|padding|>"), ...spaces],
    normalizer: { type: "NFC" }, pre_tokenizer: byteLevel, post_processor: byteLevel, decoder: byteLevel,
    model: { type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null, fuse_unk: false, vocab: Object.fromEntries(vocabulary), merges },
  };
  const eot = "<|endoftext|>";
  const config = { add_prefix_space: false, bos_token: eot, eos_token: eot, unk_token: eot, clean_up_tokenization_spaces: false, tokenizer_class: "PreTrainedTokenizerFast" };
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer));
  writeFileSync(join(folder, "tokenizer_config.json"), JSON.stringify(config));
  return words.slice(0, known);
}

/** GPT-2's printable stand-ins for the 256 bytes. */
function byteCharacters() {
  const printable = (byte) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : next++));
}

// ── weights ─────────────────────────────────────────────────────────────────────────────────────

/** n numbers of the given scale, from a block of a million that is repeated from another place for each tensor. */
function weights(make) {
  const next = random(3);
  const block = make(2 ** 20, () => next() + next() + next() - 1.5); // variance 1/4
  return (n, offset) => {
    const out = new block.constructor(n);
    for (let i = 0, at = (offset * 7919) % block.length; i < n; at = 0) {
      const piece = block.subarray(at, at + n - i);
      out.set(piece, i);
      i += piece.length;
    }
    return out;
  };
}

function writeModel(folder) {
  const [L, D, M, V] = [6, 512, 2048, 50_304];
  const tensors = [["gpt_neox.embed_in.weight", [V, D]]];
  for (let l = 0; l < L; l++) {
    const at = `gpt_neox.layers.${l}.`;
    for (const [name, shape] of [["input_layernorm", [D]], ["post_attention_layernorm", [D]], ["attention.query_key_value", [3 * D, D]], ["attention.dense", [D, D]], ["mlp.dense_h_to_4h", [M, D]], ["mlp.dense_4h_to_h", [D, M]]])
      tensors.push([`${at}${name}.weight`, shape], [`${at}${name}.bias`, [shape[0]]]);
  }
  tensors.push(["gpt_neox.final_layer_norm.weight", [D]], ["gpt_neox.final_layer_norm.bias", [D]], ["embed_out.weight", [V, D]]);

  const header = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const [name, shape] of tensors) {
    const start = end;
    end += 2 * shape.reduce((a, b) => a * b);
    header[name] = { dtype: "F16", shape, data_offsets: [start, end] };
  }
  const text = JSON.stringify(header);
  const json = Buffer.from(text + " ".repeat(-text.length & 7)); // ASCII; data starts at a multiple of 8
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));

  const values = weights((n, value) => Uint16Array.from({ length: n }, () => float16(value() / 10)));
  const file = openSync(join(folder, "model.safetensors"), "w");
  writeSync(file, length);
  writeSync(file, json);
  tensors.forEach(([name, shape], i) => {
    const n = shape.reduce((a, b) => a * b);
    writeSync(file, name.endsWith("norm.weight") ? new Uint16Array(n).fill(float16(1)) : values(n, i));
  });
  closeSync(file);
  writeFileSync(
    join(folder, "config.json"),
    JSON.stringify({
      architectures: ["GPTNeoXForCausalLM"], model_type: "gpt_neox", hidden_act: "gelu", bos_token_id: 0, eos_token_id: 0,
      hidden_size: D, intermediate_size: M, num_attention_heads: 8, num_hidden_layers: L, vocab_size: V, max_position_embeddings: 2048,
      layer_norm_eps: 1e-5, rotary_emb_base: 10_000, rotary_pct: 0.25, tie_word_embeddings: false, torch_dtype: "float16", use_parallel_residual: true,
    }),
  );
}

/** A normal number as the bits of a 16-bit float; what is too small becomes 0. */
function float16(value) {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  const exponent = ((bits >>> 23) & 255) - 112;
  return exponent <= 0 ? 0 : ((bits >>> 16) & 0x8000) | ((exponent << 10) + ((bits >>> 13) & 1023));
}

function writeDictionary(folder) {
  const [D, F] = [512, 32_768];
  const values = weights((n, value) => Float32Array.from({ length: n }, () => value() / 8));
  // As the trainer leaves it, the encoder is a transposed view: strides (1, F).
  writeTorch(join(folder, "ae.pt"), [
    { name: "bias", shape: [D], strides: [1], data: values(D, 1) },
    { name: "encoder.weight", shape: [F, D], strides: [1, F], data: values(F * D, 2) },
    { name: "encoder.bias", shape: [F], strides: [1], data: values(F, 3).map((v) => v - 4.5) },
    { name: "decoder.weight", shape: [D, F], strides: [F, 1], data: values(D * F, 4) },
  ]);
  writeFileSync(join(folder, "config.json"), JSON.stringify({ trainer: { trainer_class: "StandardTrainer", dict_class: "AutoEncoder", activation_dim: D, dict_size: F, layer: 3, lm_name: "EleutherAI/pythia-70m-deduped" } }));
}

// ── torch's zip of a pickle and raw storages ────────────────────────────────────────────────────

function writeTorch(path, tensors) {
  const file = openSync(path, "w");
  const entries = [];
  let at = 0;
  const put = (bytes) => (writeSync(file, bytes), (at += bytes.byteLength));
  const entry = (name, data) => {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const offset = at;
    const path = Buffer.from(`archive/${name}`);
    const padding = 4 + (-(at + 30 + path.length + 4) & 63); // data at a multiple of 64, by an extra field
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(bytes.length, 14);
    common.writeUInt32LE(bytes.length, 18);
    common.writeUInt16LE(path.length, 22);
    common.writeUInt16LE(padding, 24);
    const extra = Buffer.alloc(padding);
    extra.write("FB");
    extra.writeUInt16LE(padding - 4, 2);
    for (const part of [Buffer.from("PK\x03\x04"), common, path, extra, bytes]) put(part);
    common.writeUInt16LE(0, 24);
    const tail = Buffer.alloc(14); // comment length, disk, attributes
    tail.writeUInt32LE(offset, 10);
    entries.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x00"), common, tail, path]));
  };

  entry("data.pkl", pickle(tensors));
  entry("byteorder", Buffer.from("little"));
  tensors.forEach(({ data }, i) => entry(`data/${i}`, data));
  entry("version", Buffer.from("3\n"));
  const start = at;
  const directory = Buffer.concat(entries);
  put(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(start, 16);
  put(end);
  closeSync(file);
}

/** { name: torch._utils._rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict()) } in protocol 2. */
function pickle(tensors) {
  const int = (n) => {
    const bytes = Buffer.alloc(5, "J");
    bytes.writeInt32LE(n, 1);
    return bytes;
  };
  const text = (value) => {
    const bytes = Buffer.from(`X\0\0\0\0${value}`);
    bytes.writeUInt32LE(Buffer.byteLength(value), 1);
    return bytes;
  };
  const tuple = (...parts) => Buffer.concat([Buffer.from("("), ...parts, Buffer.from("t")]);
  const global = (module, name) => Buffer.from(`c${module}\n${name}\n`);
  const storage = (i, n) => Buffer.concat([tuple(text("storage"), global("torch", "FloatStorage"), text(String(i)), text("cpu"), int(n)), Buffer.from("Q")]);
  const ordered = Buffer.concat([global("collections", "OrderedDict"), Buffer.from(")R")]);
  const rebuilt = ({ shape, strides, data }, i) =>
    Buffer.concat([global("torch._utils", "_rebuild_tensor_v2"), tuple(storage(i, data.length), int(0), tuple(...shape.map(int)), tuple(...strides.map(int)), Buffer.from([0x89]), ordered), Buffer.from("R")]);
  return Buffer.concat([Buffer.from([0x80, 2]), Buffer.from("}("), ...tensors.flatMap((tensor, i) => [text(tensor.name), rebuilt(tensor, i)]), Buffer.from("u.")]);
}
