import { add } from "@dictlearn/kernels";
import { devices, expectClose } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { oracleModel, oracleNames, openOn } from "../test/oracleModel.js";
import { generate, KvCache, packRows, type GenerateOptions, type Neox } from "./index.js";

const models = await Promise.all(oracleNames.map(oracleModel));
const tolerance = { absolute: 1e-4, relative: 1e-5 };

async function tokens(model: Neox, prompt: Uint32Array, options: GenerateOptions): Promise<number[]> {
  const all: number[] = [];
  for await (const token of generate(model, prompt, options)) all.push(token);
  return all;
}

for (const { name, device, skipped } of await devices())
  describe.skipIf(skipped)(`on ${name}`, () => {
    test.each(models)("$name: greedy tokens are transformers', with the cache", async (model) => {
      using neox = openOn(device!, model);
      const prompt = Uint32Array.from(model.expected["greedy.prompt"].data);
      expect(await tokens(neox, prompt, { maxTokens: 12 })).toEqual([...model.expected["greedy.continuation"].data]);
    });

    test.each(models)("$name: every step's logits are transformers', without the cache and with it", async (model) => {
      using neox = openOn(device!, model);
      const prompt = [...model.expected["greedy.prompt"].data];
      const text = [...prompt, ...model.expected["greedy.continuation"].data];
      const V = model.config.vocabulary;
      using cache = new KvCache(device!, model.config, text.length);
      for (let step = 0; step < 12; step++) {
        const expected = model.expected["greedy.step_logits"].data.subarray(step * V, (step + 1) * V);
        const length = prompt.length + step;
        using whole = (await neox.run(packRows([text.slice(0, length)]), { logits: "last" })).logits!;
        using next = (await neox.run(packRows([text.slice(cache.length, length)], { firstPosition: [cache.length] }), { logits: "last", cache })).logits!;
        expectClose(await whole.read(), expected, tolerance);
        expectClose(await next.read(), expected, tolerance);
      }
    });

    const [model] = models;
    const prompt = Uint32Array.from(model.expected["greedy.prompt"].data);
    const greedy = [...model.expected["greedy.continuation"].data];

    test("hooks are called at each step and steer", async () => {
      using neox = openOn(device!, model);
      using v = device!.tensor(new Float32Array(model.config.width).map((_, i) => 40 * Math.cos(i)), [model.config.width]);
      const seen: number[] = [];
      const steered = await tokens(neox, prompt, { maxTokens: 4, at: { "layers.1.resid_post": (x, { rows }) => (seen.push(rows.tokens.length), add(x, v)) } });
      expect(seen).toEqual([5, 1, 1, 1]);
      expect(steered).not.toEqual(greedy.slice(0, 4));
    });

    test("it ends at a stop token, at maxTokens, and when the context is full; the cache is freed each time", async () => {
      using neox = openOn(device!, model);
      await tokens(neox, prompt, { maxTokens: 1 });
      const [live, bytes] = [device!.scopes.live, device!.bytesInUse];
      const stop = greedy[3];
      expect(await tokens(neox, prompt, { maxTokens: 12, stopAt: [stop] })).toEqual(greedy.slice(0, greedy.indexOf(stop)));
      expect(await tokens(neox, prompt, { maxTokens: 0 })).toEqual([]);
      expect(await tokens(neox, prompt, { maxTokens: 1000 })).toHaveLength(64 - 5);
      for await (const _ of generate(neox, prompt, { maxTokens: 12 })) break;
      expect([device!.scopes.live, device!.bytesInUse]).toEqual([live, bytes]);
    });

    test("a seed gives the same sample again, topK 1 is greedy", async () => {
      using neox = openOn(device!, model);
      const sampled = (seed: number) => tokens(neox, prompt, { maxTokens: 8, temperature: 3, seed });
      expect(await sampled(1)).toEqual(await sampled(1));
      expect(await sampled(1)).not.toEqual(await sampled(2));
      expect(await tokens(neox, prompt, { maxTokens: 12, temperature: 1, topK: 1 })).toEqual(greedy);
    });

    test.each<[object, string]>([
      [{ maxTokens: -1 }, "generate: expected maxTokens to be a whole number, got -1"],
      [{ maxTokens: 1, temperature: NaN }, "generate: expected temperature of 0 or more, got NaN"],
      [{ maxTokens: 1, topK: 5 }, "generate: expected a temperature with topK, got undefined"],
      [{ maxTokens: 1, temperature: 1, topK: 301 }, "generate: expected topK in 1..300, got 301"],
      [{ maxTokens: 1, temperature: 1, seed: 0.5 }, "generate: expected seed to be a whole number, got 0.5"],
    ])("%j is refused", async (options, message) => {
      await expect(tokens(openOn(device!, model), prompt, options as GenerateOptions)).rejects.toMatchObject({ code: "USAGE", message });
    });

    test("a prompt that is empty or longer than the context is refused", async () => {
      await expect(tokens(openOn(device!, model), new Uint32Array(65), { maxTokens: 1 })).rejects.toThrow("generate: expected a prompt of 1..64 tokens, got 65");
      await expect(tokens(openOn(device!, model), new Uint32Array(0), { maxTokens: 1 })).rejects.toThrow("got 0");
    });

    test("a cache takes the next tokens of one row only", async () => {
      using neox = openOn(device!, model);
      using cache = new KvCache(device!, model.config, 4);
      await expect(neox.run(packRows([[1], [2]]), { logits: "last", cache })).rejects.toThrow("run: expected one row without padding with a cache, got 2 rows");
      await expect(neox.run(packRows([[1, 2, 3, 4, 5]]), { logits: "last", cache })).rejects.toThrow("run: expected at most 4 more tokens in the cache, got 5");
      await expect(neox.run(packRows([[1]]), { at: { embed: () => {} }, cache })).rejects.toThrow("run: expected logits to be asked for with a cache");
    });
  });
