import { readdirSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { demo } from "./index.js";

const read = (file: string, base: string) => readFileSync(new URL(file, base));
const json = (file: string, base: string): unknown => JSON.parse(read(file, base).toString("utf8"));

test("the model is a GPT-NeoX with its tokenizer", () => {
  expect(json("config.json", demo.model)).toMatchObject({ model_type: "gpt_neox", hidden_size: 192, num_hidden_layers: 6, vocab_size: 4096 });
  expect(json("tokenizer.json", demo.model)).toMatchObject({ model: { type: "BPE" } });
  expect(json("tokenizer_config.json", demo.model)).toMatchObject({ eos_token: "<|endoftext|>" });
});

test("the weights have the shapes of the config, in float16, and are whole", () => {
  const bytes = read("model.safetensors", demo.model);
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + headerLength)) as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;
  expect(header["gpt_neox.embed_in.weight"]).toMatchObject({ dtype: "F16", shape: [4096, 192] });
  expect(header["gpt_neox.layers.5.mlp.dense_4h_to_h.weight"]).toMatchObject({ dtype: "F16", shape: [192, 768] });
  const end = Math.max(...Object.values(header).map(({ data_offsets }) => data_offsets?.[1] ?? 0));
  expect(bytes.length).toBe(8 + headerLength + end);
});

test("the dictionary is one of dictionary_learning's for that model", () => {
  expect(json("config.json", demo.dictionary)).toMatchObject({
    trainer: { dict_class: "AutoEncoder", activation_dim: 192, dict_size: 1536, layer: 3, submodule_name: "mlp_out_layer3" },
  });
  expect(read("ae.pt", demo.dictionary).toString("latin1", 0, 2)).toBe("PK"); // torch.save writes a zip
});

test("the sentences are a CSV with a column `sentence`", () => {
  const [header, ...rows] = readFileSync(new URL(demo.sentences), "utf8").trimEnd().split("\n");
  expect(header).toBe("sentence");
  expect(rows.length).toBeGreaterThanOrEqual(12);
  expect(rows.every((row) => !row.includes(",") || (row.startsWith('"') && row.endsWith('"')))).toBe(true);
});

test("the texts are addresses, one a file", () => {
  const names = readdirSync(new URL(demo.texts)).filter((name) => name.endsWith(".txt"));
  expect(names.length).toBeGreaterThan(200);
  const texts = names.map((name) => readFileSync(new URL(name, demo.texts), "utf8").trim());
  expect(texts.filter((text) => text.length < 1000)).toEqual([]);
  expect(texts.join("").length).toBeGreaterThan(9e6);
});

test("the scripts that made the files are beside them", () => {
  for (const script of ["train_demo_model.py", "train_demo_dictionary.py"]) expect(statSync(new URL(`../../scripts/${script}`, demo.model)).size).toBeGreaterThan(0);
});
