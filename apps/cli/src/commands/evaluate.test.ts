import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandProcess, oracle } from "@dictlearn/testing";
import { afterAll, beforeAll, expect, test } from "vitest";

const cwd = mkdtempSync(join(tmpdir(), "evaluate-command-"));
const kept = new CommandProcess(new URL("../../dist/commands/evaluate.js", import.meta.url), new URL(import.meta.resolve("@dictlearn/command")));
afterAll(() => {
  kept.close();
  rmSync(cwd, { recursive: true, force: true });
});

const inherited = Object.fromEntries(Object.entries(process.env).filter((pair): pair is [string, string] => !/^(INIT_CWD|HF_|.*_proxy$)/i.test(pair[0])));
const env = { ...inherited, HF_ENDPOINT: "http://127.0.0.1:9", HF_HOME: join(cwd, "hf") };
const run = (args: readonly string[]) => kept.run({ args: [...args, "--device", "cpu", "--engine", "wasm"], cwd, env });
const json = (...path: string[]) => JSON.parse(readFileSync(join(cwd, ...path), "utf8"));
const trainer = (site: string, i: number) => `run/${site}/trainer_${i}`;

const texts = Array.from({ length: 80 }, (_, i) => ({ text: `Fellow citizens, number ${i}: the state of the union is strong, and we have done ${i * i} things for the people of this nation. ${"And more. ".repeat(i % 7)}` }));
const jsonLines = (some: readonly object[]) => some.map((text) => `${JSON.stringify(text)}\n`).join("");

beforeAll(() => {
  writeFileSync(join(cwd, "texts.jsonl"), jsonLines(texts));
  const args = "--model-name demo --dataset-name texts.jsonl --site layers.1.resid_post --site layers.3.mlp_out --trainer topk:k=4 --trainer topk:k=16 --features 64 --context-length 32 --sae-batch-size 128 --num-tokens 512 --llm-batch-size 4 --eval-tokens 300 --save-every 4 --device cpu --engine wasm --save-dir run".split(" ");
  const { status, stderr } = spawnSync(process.execPath, [fileURLToPath(new URL("main.cjs", import.meta.resolve("@dictlearn/train/command"))), ...args], { cwd, env, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
});

test("numbers are those that train wrote of the same texts; sites are those of the configs, and two dictionaries go in one pass", async () => {
  const { rows } = json("run/state/step-4/state.json").buffer.cursor.text; // what training read
  const { n_inputs } = json(trainer("mlp_out_layer_3", 0), "eval_results.json").hyperparameters;
  writeFileSync(join(cwd, "unseen.jsonl"), jsonLines(texts.slice(rows, rows + n_inputs)));
  const all = ["resid_post_layer_1", "mlp_out_layer_3"].flatMap((site) => [0, 1].map((i) => trainer(site, i)));
  const { code, stdout, stderr } = await run(["--model", "demo", "--dataset-name", "unseen.jsonl", "--context-length", "32", "--format", "json", ...all.flatMap((path) => ["--dictionary", path])]);
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^texts: ended after [\d,]+ of 100,000 tokens$/m)]);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ model: "demo", texts: "unseen.jsonl", n_texts: n_inputs, context_length: 32 });
  expect(report.dictionaries.map(({ dictionary, site }: Record<string, string>) => [dictionary, site])).toEqual(all.map((path) => [path, path.includes("resid") ? "layers.1.resid_post" : "layers.3.mlp_out"]));
  for (const [i, path] of all.entries()) {
    const { hyperparameters: _, ...written } = json(path, "eval_results.json");
    expect(report.dictionaries[i]).toMatchObject(written);
  }
});

test("as a table: a line a dictionary, the sparser first; one alone with what each measure is", async () => {
  const [sparse, dense] = [0, 1].map((i) => trainer("mlp_out_layer_3", i));
  const args = ["--model", "demo", "--dataset-name", "texts.jsonl", "--tokens", "200"];
  const several = await run([...args, "--dictionary", dense, "--dictionary", sparse]);
  expect(several).toMatchObject({ code: 0, stderr: expect.stringMatching(/^evaluate: demo on \d texts of texts\.jsonl, 2\d\d tokens; its own loss is \d\.\d{4} nats a token\n$/) });
  const cells = several.stdout.split("\n").filter((line) => line.startsWith("|")).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  expect(cells.map(([first]) => first)).toEqual(["Dictionary", sparse, dense]);
  expect(cells[0].slice(1, 7)).toEqual(["Class", "Site", "Features", "L0", "Loss recovered", "FVE"]);
  expect(cells[1].slice(1, 5)).toEqual(["AutoEncoderTopK", "layers.3.mlp_out", "64", expect.stringMatching(/^[34]/)]);

  const alone = await run([...args, "--dictionary", dense, "--out", "table.txt", "--site", "layers.1.resid_post"]);
  expect(alone).toMatchObject({ code: 0, stdout: "" });
  const table = readFileSync(join(cwd, "table.txt"), "utf8");
  expect(table).toMatch(/\| +site +\| +layers\.1\.resid_post +\|/);
  expect(table).toMatch(/\| +frac_recovered +\| +\S+ +\| share of the loss between zeros and activations that is kept \|/);
});

test("with nothing named and no Hub: the bundled demo, and a line says so", async () => {
  const { code, stdout, stderr } = await run(["--tokens", "100"]);
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^model, dictionary and texts: the Hugging Face Hub is out of reach \(.*127\.0\.0\.1:9.*\), so this is the bundled demo \(/m)]);
  expect(stdout).toContain("layers.3.mlp_out");
});

test.each([
  ["another width", ["--model", "demo", "--dictionary", "demo", "--dictionary", fileURLToPath(oracle("sparse-rep/ae.pt"))], /ae\.pt: expected D = 192 \(layers\.3\.mlp_out of demo\), got D = 32 — take a dictionary that was trained on this model\n$/],
  ["a site that the model has not", ["--model", "demo", "--site", "layers.99.mlp_out"], /^site: .*layers\.99/],
  ["a transcoder", ["--model", "demo", "--dictionary", fileURLToPath(oracle("formats/sparsify/transcoder"))], /transcoder: expected D = 192 .*, got D = 12/],
  ["no such texts", ["--model", "demo", "--dataset-name", "nowhere.jsonl"], /^nowhere\.jsonl: expected /],
  ["a dictionary that is not there", ["--model", "demo", "--dictionary", "nowhere"], /^nowhere: expected a dictionary/],
  ["a Hub out of reach", ["--model", "owner/named"], /--model demo --dictionary demo --dataset-name demo needs no network\n$/],
])("%s: one line", async (_, args, says) => {
  const { code, stdout, stderr } = await run(args);
  expect([code, stdout, stderr]).toEqual([1, "", expect.stringMatching(says)]);
});
