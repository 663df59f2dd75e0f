import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeTorch } from "@dictlearn/checkpoint";
import { Unread } from "@dictlearn/sae";
import { oracle } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { readDictionary } from "./index.js";
import { type HostFile, readHost } from "./readHost.js";
import { readHostInThread } from "./readHostInThread.js";

const path = (name: string) => fileURLToPath(oracle(`formats/${name}`));

/** A file of oracles/formats with its config. */
function fileOf(folder: string, weights: string, config: string): HostFile {
  const beside = path(`${folder}/${config}`);
  return { path: path(`${folder}/${weights}`), subject: weights, configs: existsSync(beside) ? { [config]: JSON.parse(readFileSync(beside, "utf8")) } : {} };
}

const dictionaries = [
  ...["AutoEncoder", "AutoEncoderNew", "AutoEncoderTopK", "BatchTopKSAE", "GatedAutoEncoder", "JumpReluAutoEncoder", "MatryoshkaBatchTopKSAE"].map((name) => fileOf(`dl/${name}`, "ae.pt", "config.json")),
  ...["standard_constant_norm", "standard_expected_average", "skip_transcoder", "matryoshka_trained"].map((name) => fileOf(`saelens/${name}`, "sae_weights.safetensors", "cfg.json")),
  ...["groupmax", "skip_transcoder", "topk_bfloat16"].map((name) => fileOf(`sparsify/${name}`, "sae.safetensors", "cfg.json")),
];
test.each([false, true])("what a thread reads is what is read without, whatever the class and format; encodeOnly %s", async (encodeOnly) => {
  const files = dictionaries.map((file) => ({ ...file, encodeOnly }));
  const read = await Promise.all(files.map(readHostInThread));
  expect(read).toEqual(await Promise.all(files.map(readHost)));
  expect(new Set(read.map(({ host }) => (host.weights as { decoder: unknown }).decoder instanceof Unread))).toEqual(new Set([encodeOnly]));
});

test.each(["nan_weights.pt", "wrong_shapes.pt", "reduce_os_system.pt", "truncated.pt", "none.pt"])("%s fails there as here", async (name) => {
  const file = { path: path(`broken/${name}`), subject: name, configs: {} };
  const failure = async (read: typeof readHost) => {
    const { code, message, remedy } = (await read(file).catch((error: unknown) => error)) as Error & { code?: string; remedy?: string };
    return { code, message, remedy };
  };
  const expected = await failure(readHost);
  expect(expected.code).toMatch(/^(FORMAT|NOT_FOUND)$/);
  expect(await failure(readHostInThread)).toEqual(expected);
});

test("a large dictionary is the same", async () => {
  const folder = mkdtempSync(join(tmpdir(), "large-dictionary-"));
  try {
    const [D, F] = [64, 33_000]; // 17 MB
    const f32 = (shape: number[], strides?: number[]) => ({ dtype: "f32", shape, strides, data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.fround(((i * 7919) % 1009) - 504.5) / 1000) }) as const;
    const file = join(folder, "ae.pt");
    writeFileSync(file, Buffer.concat([...writeTorch({ bias: f32([D]), "encoder.weight": f32([F, D], [1, F]), "encoder.bias": f32([F]), "decoder.weight": f32([D, F]) })]));
    const [large, same] = [await readDictionary(file), await readHost({ path: file, subject: "ae.pt", configs: {} })].map(({ host }) => host.weights as Record<string, Float32Array | { data: Float32Array; norms?: Float32Array; factors?: Float32Array }>);
    const bytes = (values: Float32Array) => Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    for (const [name, weight] of Object.entries(same))
      for (const part of weight instanceof Float32Array ? [weight] : [weight.data, weight.norms, weight.factors].filter((data) => data !== undefined)) {
        const other = large[name];
        const parts = other instanceof Float32Array ? [other] : [other.data, other.norms, other.factors];
        expect(parts.some((data) => data && bytes(data).equals(bytes(part))), name).toBe(true);
      }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
