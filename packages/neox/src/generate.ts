import { argmax, openRng, type Rng, type Tensor } from "@dictlearn/kernels";
import { NeoxError } from "./error.js";
import type { HooksBySite } from "./hooks.js";
import { KvCache } from "./kvCache.js";
import type { Neox } from "./model.js";
import { packRows } from "./rows.js";
import { sample } from "./sample.js";

export interface GenerateOptions {
  /** The most tokens to generate; fewer when the model's context is full. */
  maxTokens: number;
  /** Above 0: sample from softmax(logits / temperature). Default: the likeliest token each time. */
  temperature?: number;
  /** Sample among the likeliest k only. Needs a temperature. */
  topK?: number;
  /** Which sample: the same seed, prompt and options give the same tokens on one device. Default 0. */
  seed?: number;
  /** Generation ends at one of these; it is not yielded. */
  stopAt?: readonly number[];
  /** Hooks for every pass: the first sees the whole prompt, those after it the newest token. */
  at?: HooksBySite;
}

/**
 * Continues a prompt, one token id at a time, with a key-value cache.
 * `for await (const token of generate(model, prompt, { maxTokens: 20 })) ...`
 * @param prompt u32[T], 1..contextLength tokens
 * @throws NeoxError USAGE for options or a prompt that don't fit the model
 */
export async function* generate(model: Neox, prompt: Uint32Array, options: GenerateOptions): AsyncGenerator<number, void> {
  check(options, model.config.vocabulary);
  const { contextLength } = model.config;
  if (prompt.length === 0 || prompt.length > contextLength) throw new NeoxError("USAGE", `generate: expected a prompt of 1..${contextLength} tokens, got ${prompt.length}`);
  const total = Math.min(contextLength, prompt.length + options.maxTokens);
  using cache = new KvCache(model.device, model.config, total);
  const rng = openRng({ seed: options.seed ?? 0, stream: "sample" });
  let next = prompt;
  for (let length = prompt.length; length < total; length++) {
    const rows = packRows([next], { firstPosition: [cache.length] });
    using logits = (await model.run(rows, { at: options.at, logits: "last", cache })).logits!; // f32[1,V]
    const token = await choose(logits, rng, options);
    if (options.stopAt?.includes(token)) return;
    yield token;
    next = Uint32Array.of(token);
  }
}

/** @param logits f32[1,V] */
async function choose(logits: Tensor, rng: Rng, { temperature = 0, topK }: GenerateOptions): Promise<number> {
  if (temperature > 0) return sample(await logits.read(), { temperature, topK, uniform: rng.integer(2 ** 32) / 2 ** 32 });
  using likeliest = argmax(logits); // u32[1]
  return (await likeliest.read())[0];
}

function check({ maxTokens, temperature, topK, seed = 0 }: GenerateOptions, vocabulary: number): void {
  const expect = (fits: boolean, what: string, got: unknown) => {
    if (!fits) throw new NeoxError("USAGE", `generate: expected ${what}, got ${got}`);
  };
  expect(Number.isSafeInteger(maxTokens) && maxTokens >= 0, "maxTokens to be a whole number", maxTokens);
  expect(temperature === undefined || (temperature >= 0 && temperature < Infinity), "temperature of 0 or more", temperature);
  expect(topK === undefined || (Number.isSafeInteger(topK) && topK >= 1 && topK <= vocabulary), `topK in 1..${vocabulary}`, topK);
  expect(topK === undefined || !!temperature, "a temperature with topK", temperature);
  expect(Number.isSafeInteger(seed) && seed >= 0, "seed to be a whole number", seed);
}
