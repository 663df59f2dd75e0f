import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { devices, oracle } from "@dictlearn/testing";
import { afterAll, describe, expect, test } from "vitest";
import { openModel } from "./index.js";

const small = fileURLToPath(oracle("sparse-rep/model"));
const temporary = mkdtempSync(join(tmpdir(), "dictlearn-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

/** A copy of the small model's folder without its weights, with these files besides. */
function folder(files: Record<string, string | Uint8Array>): string {
  const path = mkdtempSync(join(temporary, "model-"));
  for (const name of ["config.json", "tokenizer.json", "tokenizer_config.json"]) copyFileSync(join(small, name), join(path, name));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

const [{ device }] = await devices();
const weights = readFileSync(join(small, "model.safetensors"));
const names = Object.keys(JSON.parse(weights.toString("utf8", 8, 8 + Number(weights.readBigUInt64LE()))) as object).filter((name) => name !== "__metadata__");

test("a folder opens with its tokenizer, sites and sizes; weights wait for the first pass", async () => {
  const before = device!.bytesInUse;
  const model = await openModel(small, { device: device! });
  expect([model.width, model.contextLength, model.site("blocks.3.hook_mlp_out")]).toEqual([32, 128, "layers.3.mlp_out"]);
  expect(model.tokenizer.decode(model.tokenizer.encode("The lamp."))).toBe("The lamp.");
  expect(device!.bytesInUse).toBe(before);
  await model.dispose();
  await model.dispose();
});

test("shards are found by their index", async () => {
  const path = folder({ "one-of-one.safetensors": weights, "model.safetensors.index.json": JSON.stringify({ weight_map: Object.fromEntries(names.map((name) => [name, "one-of-one.safetensors"])) }) });
  const [whole, shards] = await Promise.all([small, path].map((path) => openModel(path, { device: device! })));
  const embedding = async (model: typeof whole) => {
    let read: Promise<unknown> | undefined;
    await model.neox.run({ tokens: Uint32Array.of(7, 8), start: Uint32Array.of(0, 2), positions: Uint32Array.of(0, 1) }, { at: { "layers.0.mlp_out": (x) => void (read = x.read()) } });
    return read;
  };
  expect(await embedding(shards)).toEqual(await embedding(whole));
  await Promise.all([whole.dispose(), shards.dispose()]);
});

test("the demo opens by its name", async () => {
  const before = process.memoryUsage().arrayBuffers;
  const model = await openModel("demo", { device: device!, site: "layers.3.mlp_out" });
  expect([model.name, model.width]).toEqual(["demo", 192]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 20); // what was read of the weights, 6 MB, is on the device alone
  await model.dispose();
});

describe("what is not a model is an error of one line", () => {
  const cases: [string, () => string, RegExp][] = [
    ["no such folder", () => join(temporary, "nothing"), /nothing: expected a model's folder, its name on the Hugging Face Hub \(owner\/name\) or "demo", got no such folder$/],
    ["a file", () => join(small, "config.json"), /config\.json: expected a model's folder, got a file$/],
    ["no config.json", () => temporary, /config\.json: expected the model's config, got no such file$/],
    ["a config.json that is not JSON", () => folder({ "config.json": "{" }), /config\.json: expected JSON/],
    ["another architecture", () => folder({ "config.json": '{"model_type":"llama"}' }), /model_type/],
    ["no weights", () => folder({}), /expected model\.safetensors or .*pytorch_model\.bin\.index\.json, got config\.json/],
    ["weights that are no safetensors", () => folder({ "model.safetensors": "hello, hello" }), /model\.safetensors: /],
    ["weights that would run code", () => folder({ "pytorch_model.bin": readFileSync(oracle("formats/broken/reduce_os_system.pt")) }), /pytorch_model\.bin: .*not allowed/],
    ["an index that is no JSON", () => folder({ "model.safetensors.index.json": "{" }), /index/],
  ];
  test.each(cases)("%s", async (_, path, message) => {
    const error = await openModel(path(), { device: device! }).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: expect.stringMatching(/^(FORMAT|UNSUPPORTED|NOT_FOUND|IO)$/), message: expect.stringMatching(message) });
    expect((error as Error).message).not.toContain("\n");
  });
});
