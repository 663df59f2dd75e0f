import { expect, test } from "vitest";
import { oracleModel } from "../test/oracleModel.js";
import { parseConfig } from "./index.js";

const pythia = {
  // EleutherAI/pythia-70m, as transformers 4.24 wrote it
  architectures: ["GPTNeoXForCausalLM"],
  bos_token_id: 0,
  eos_token_id: 0,
  hidden_act: "gelu",
  hidden_size: 512,
  initializer_range: 0.02,
  intermediate_size: 2048,
  layer_norm_eps: 1e-5,
  max_position_embeddings: 2048,
  model_type: "gpt_neox",
  num_attention_heads: 8,
  num_hidden_layers: 6,
  rotary_emb_base: 10000,
  rotary_pct: 0.25,
  tie_word_embeddings: false,
  torch_dtype: "float16",
  transformers_version: "4.24.0",
  use_cache: true,
  use_parallel_residual: true,
  vocab_size: 50304,
};

test("Pythia's config.json, of transformers 4", () => {
  expect(parseConfig(pythia)).toEqual({
    vocabulary: 50304,
    width: 512,
    layers: 6,
    heads: 8,
    mlpWidth: 2048,
    contextLength: 2048,
    rotary: { dims: 16, base: 10000 },
    epsilon: 1e-5,
    parallelResidual: true,
    attentionBias: true,
    tiedEmbeddings: false,
  });
});

test("transformers 5 says rotary in rope_parameters", async () => {
  const { rotary_pct: _, rotary_emb_base: __, ...rest } = pythia;
  const rope_parameters = { rope_theta: 500, partial_rotary_factor: 1, rope_type: "default" };
  expect(parseConfig({ ...rest, rope_parameters, dtype: "float16" }).rotary).toEqual({ dims: 64, base: 500 });
  expect((await oracleModel("b-sequential-f32")).config).toMatchObject({ rotary: { dims: 16, base: 500 }, epsilon: 1e-3, parallelResidual: false });
});

test("what is absent is as in transformers' GPTNeoXConfig: GPT-NeoX-20B", () => {
  expect(parseConfig({ model_type: "gpt_neox" })).toEqual({
    vocabulary: 50432,
    width: 6144,
    layers: 44,
    heads: 64,
    mlpWidth: 24576,
    contextLength: 2048,
    rotary: { dims: 24, base: 10000 },
    epsilon: 1e-5,
    parallelResidual: true,
    attentionBias: true,
    tiedEmbeddings: false,
  });
});

test.each<[object, code: string, message: string]>([
  [{ model_type: "llama" }, "UNSUPPORTED", 'config.json: expected model_type "gpt_neox", got "llama"'],
  [{ model_type: undefined }, "UNSUPPORTED", 'config.json: expected model_type "gpt_neox", got nothing'],
  [{ hidden_act: "relu" }, "UNSUPPORTED", 'config.json: expected hidden_act "gelu", got "relu"'],
  [{ hidden_act: "gelu_new" }, "UNSUPPORTED", 'config.json: expected hidden_act "gelu", got "gelu_new"'],
  [{ hidden_act: "gelu_fast" }, "UNSUPPORTED", 'config.json: expected hidden_act "gelu", got "gelu_fast"'],
  [{ rope_scaling: { type: "linear", factor: 2 } }, "UNSUPPORTED", 'config.json: expected rope_scaling null, got {"type":"linear","factor":2}'],
  [{ rope_parameters: { rope_type: "yarn" } }, "UNSUPPORTED", 'config.json: expected rope_parameters.rope_type "default", got "yarn"'],
  [{ quantization_config: { bits: 4 } }, "UNSUPPORTED", 'config.json: expected quantization_config null, got {"bits":4}'],
  [{ hidden_size: -512 }, "FORMAT", "config.json: expected hidden_size to be a positive whole number, got -512"],
  [{ hidden_size: 520.5 }, "FORMAT", "config.json: expected hidden_size to be a positive whole number, got 520.5"],
  [{ num_hidden_layers: 0 }, "FORMAT", "config.json: expected num_hidden_layers to be a positive whole number, got 0"],
  [{ vocab_size: "50304" }, "FORMAT", 'config.json: expected vocab_size to be a positive whole number, got "50304"'],
  [{ intermediate_size: NaN }, "FORMAT", "config.json: expected intermediate_size to be a positive whole number, got null"],
  [{ num_attention_heads: 7 }, "SHAPE", "config.json: expected hidden_size divisible by num_attention_heads, got 512 and 7"],
  [{ rotary_pct: 1.5 }, "SHAPE", "config.json: expected rotary_pct to rotate an even number of each head's 64 dimensions, got 1.5 (96)"],
  [{ rotary_pct: 0.05 }, "SHAPE", "config.json: expected rotary_pct to rotate an even number of each head's 64 dimensions, got 0.05 (3)"],
  [{ rotary_emb_base: 0 }, "FORMAT", "config.json: expected rotary_emb_base to be a positive number, got 0"],
  [{ rope_parameters: { rope_theta: "big" } }, "FORMAT", 'config.json: expected rope_parameters.rope_theta to be a positive number, got "big"'],
  [{ layer_norm_eps: -1 }, "FORMAT", "config.json: expected layer_norm_eps to be a positive number, got -1"],
  [{ use_parallel_residual: "yes" }, "FORMAT", 'config.json: expected use_parallel_residual to be true or false, got "yes"'],
])("%j is refused", (change, code, message) => {
  expect(() => parseConfig({ ...pythia, ...change })).toThrow(expect.objectContaining({ name: "NeoxError", code, message }));
});

test("a config.json that is no object is refused", () => {
  expect(() => parseConfig([1])).toThrow("config.json: expected an object, got [1]");
});

test("a value of megabytes, or of a hundred thousand levels, is told in a line", () => {
  const deep: unknown = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
  for (const value of ["x".repeat(5_000_000), deep, { deep }]) {
    for (const config of [value, { ...pythia, hidden_size: value }, { ...pythia, model_type: value }, { ...pythia, rope_scaling: value }])
      expect(() => parseConfig(config)).toThrow(/^config\.json: expected .{1,200}$/);
  }
});
