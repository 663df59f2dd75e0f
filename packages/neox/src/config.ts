import { NeoxError } from "./error.js";

/** What a GPT-NeoX model is made of; `parseConfig` makes it from a checkpoint's config.json. */
export interface NeoxConfig {
  readonly vocabulary: number; // V
  readonly width: number; // D
  readonly layers: number; // L
  readonly heads: number; // H
  readonly mlpWidth: number; // M
  /** The longest row: tokens take positions 0..contextLength - 1. */
  readonly contextLength: number;
  /** The first dimensions of each head are rotated by position, an even number of them. */
  readonly rotary: { readonly dims: number; readonly base: number };
  readonly epsilon: number;
  /** Attention and MLP both read the block's input (Pythia); otherwise the MLP reads what attention has added to. */
  readonly parallelResidual: boolean;
  readonly attentionBias: boolean;
  /** The output matrix is the embedding table. */
  readonly tiedEmbeddings: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/**
 * Reads a Hugging Face config.json, of transformers 4 (rotary_pct, rotary_emb_base) or 5 (rope_parameters).
 * Fields that are absent take the defaults of transformers' GPTNeoXConfig.
 * @throws NeoxError UNSUPPORTED `config.json: expected hidden_act "gelu", got "relu"`; FORMAT for a value that makes no sense
 */
export function parseConfig(json: unknown): NeoxConfig {
  if (!isObject(json)) throw new NeoxError("FORMAT", `config.json: expected an object, got ${show(json)}`);
  only(json, "model_type", "gpt_neox");
  only(json, "hidden_act", "gelu", "gelu"); // exact, by erf; gelu_new and gelu_fast are tanh approximations
  for (const field of ["rope_scaling", "quantization_config"]) only(json, field, null, null);

  const rope = isObject(json.rope_parameters) ? json.rope_parameters : {};
  only(rope, "rope_type", "default", "default", "rope_parameters.");
  const base = rope.rope_theta !== undefined ? positive(rope, "rope_theta", 10_000, "rope_parameters.") : positive(json, "rotary_emb_base", 10_000);
  const [share, field] = rope.partial_rotary_factor !== undefined ? [positive(rope, "partial_rotary_factor", 0.25, "rope_parameters."), "rope_parameters.partial_rotary_factor"] : [positive(json, "rotary_pct", 0.25), "rotary_pct"];

  const width = count(json, "hidden_size", 6144);
  const heads = count(json, "num_attention_heads", 64);
  if (width % heads !== 0) throw new NeoxError("SHAPE", `config.json: expected hidden_size divisible by num_attention_heads, got ${width} and ${heads}`);
  const dims = Math.floor((width / heads) * share);
  if (share > 1 || dims < 2 || dims % 2 !== 0) throw new NeoxError("SHAPE", `config.json: expected ${field} to rotate an even number of each head's ${width / heads} dimensions, got ${share} (${dims})`);

  return {
    vocabulary: count(json, "vocab_size", 50_432),
    width,
    layers: count(json, "num_hidden_layers", 44),
    heads,
    mlpWidth: count(json, "intermediate_size", 24_576),
    contextLength: count(json, "max_position_embeddings", 2048),
    rotary: { dims, base },
    epsilon: positive(json, "layer_norm_eps", 1e-5),
    parallelResidual: flag(json, "use_parallel_residual", true),
    attentionBias: flag(json, "attention_bias", true),
    tiedEmbeddings: flag(json, "tie_word_embeddings", false),
  };
}

/** The one value of a field that is implemented. */
function only(from: Json, field: string, value: string | null, fallback?: string | null, path = ""): void {
  const got = from[field] ?? fallback;
  if (got !== value) throw new NeoxError("UNSUPPORTED", `config.json: expected ${path}${field} ${show(value)}, got ${show(got)}`);
}

function count(from: Json, field: string, fallback: number): number {
  const value = from[field] ?? fallback;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1) throw new NeoxError("FORMAT", `config.json: expected ${field} to be a positive whole number, got ${show(value)}`);
  return value;
}

function positive(from: Json, field: string, fallback: number, path = ""): number {
  const value = from[field] ?? fallback;
  if (typeof value !== "number" || !(value > 0) || value === Infinity) throw new NeoxError("FORMAT", `config.json: expected ${path}${field} to be a positive number, got ${show(value)}`);
  return value;
}

function flag(from: Json, field: string, fallback: boolean): boolean {
  const value = from[field] ?? fallback;
  if (typeof value !== "boolean") throw new NeoxError("FORMAT", `config.json: expected ${field} to be true or false, got ${show(value)}`);
  return value;
}

const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value);
function show(value: unknown): string {
  if (value === undefined) return "nothing";
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 80);
  } catch {
    return "a value nested too deeply to show"; // where the stack ends
  }
}
