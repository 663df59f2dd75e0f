import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Analysis, type SentenceReport } from "@dictlearn/report";
import { CommandProcess, oracle, type Ran } from "@dictlearn/testing";
import { afterAll, describe, expect, test } from "vitest";

const app = fileURLToPath(new URL("../dist/main.cjs", import.meta.url));
const kept = new CommandProcess(new URL("../dist/command.js", import.meta.url), new URL(import.meta.resolve("@dictlearn/command")));
afterAll(() => kept.close());
const at = (path: string) => fileURLToPath(oracle(path));
const temporary = mkdtempSync(join(tmpdir(), "sparse-rep-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

/** A new empty folder, where a person stands. */
function folder(files: Record<string, string | Uint8Array> = {}): string {
  const path = mkdtempSync(join(temporary, "here-"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content);
  return path;
}

/** No Hub, no cache, nobody's token: what is fetched is tested in hub.test.ts. */
const noHub = { HF_ENDPOINT: "http://127.0.0.1:9", HF_HOME: join(temporary, "hf") };

interface Where {
  cwd?: string;
  env?: Record<string, string>;
}

/** On the CPU unless told otherwise. */
const words = (args: readonly string[]) => [...(args.includes("--device") ? [] : ["--device", "cpu"]), ...args];
const environment = (env: Record<string, string> = {}) => ({ ...(Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(INIT_CWD|HF_|.*_proxy$)/i.test(name))) as Record<string, string>), ...noHub, ...env });

/** The app, for what it says. */
const run = (args: readonly string[], { cwd = temporary, env }: Where = {}) => kept.run({ args: [...(args.includes("--threads") ? [] : ["--threads", "1"]), ...words(args)], cwd, env: environment(env) });

/** Runs the app as a shell would. */
function start(args: readonly string[], { cwd = temporary, env }: Where = {}): Promise<Ran> {
  const child = spawn(process.execPath, [app, ...words(args)], { cwd, env: environment(env) });
  const texts = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => (texts.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (texts.stderr += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...texts }));
  });
}

const small = ["--model", at("sparse-rep/model"), "--dictionary", at("sparse-rep/ae.pt")];

describe("the numbers are those of transformers and dictionary_learning", () => {
  interface Stats {
    mean: number;
    variance: number;
    max_weight: number;
    max_position: number;
  }
  type Vector = { active: number | number[]; original_stats: Stats; sparse_stats: Stats } | null;
  interface Case {
    name: string;
    csv: string;
    ae: string;
    layer: number;
    sentences: { text: string; tokens: number; masked: Vector; padded: Vector }[];
  }
  const { cases }: { cases: Case[] } = JSON.parse(readFileSync(oracle("sparse-rep/expected.json"), "utf8"));
  const near = (value: number | null, expected: number) => expect(Math.abs(value! - expected)).toBeLessThanOrEqual(1e-4 + 1e-5 * Math.abs(expected));
  const runs = ["basic", "bom", "edge"].flatMap((name) => ["mean", "padded-mean"].flatMap((pooling) => ["1", "2"].map((threads) => ({ name, pooling, threads }))));

  test.each(runs)("$name, $pooling, $threads threads", async ({ name, pooling, threads }) => {
    const { csv, ae, layer, sentences } = cases.find((one) => one.name === name)!;
    const { code, stdout } = await run([at(`sparse-rep/${csv}`), "--model", at("sparse-rep/model"), "--dictionary", at(`sparse-rep/${ae}`), "--site", `layers.${layer}.mlp_out`, "--pooling", pooling, "--threads", threads, "--top", "96", "--format", "json"]);
    expect(code).toBe(0);
    const analysis: Analysis = JSON.parse(stdout);
    expect(analysis).toMatchObject({ model: at("sparse-rep/model"), dictionary: at(`sparse-rep/${ae}`), site: `layers.${layer}.mlp_out`, pooling });
    expect(analysis.sentences.map(({ sentence, tokens }) => [sentence, tokens])).toEqual(sentences.map(({ text, tokens }) => [text, tokens]));
    sentences.forEach(({ tokens, ...vectors }, i) => {
      const expected = pooling === "mean" ? vectors.masked : vectors.padded;
      const { original, sparse, top } = analysis.sentences[i];
      if (tokens === 0) {
        expect(analysis.sentences[i]).toMatchObject({ original: nothing, sparse: { ...nothing, l0: null }, top: [] });
        return;
      }
      for (const [got, stats] of [[original, expected!.original_stats], [sparse, expected!.sparse_stats]] as const) {
        near(got.mean, stats.mean);
        near(got.variance, stats.variance);
        near(got.maxWeight, stats.max_weight);
        expect(got.maxPosition).toBe(stats.max_position);
      }
      const active = typeof expected!.active === "number" ? expected!.active : expected!.active.length;
      expect(sparse.l0).toBe(active);
      expect(top.length).toBe(active);
    });
  });

  const nothing = { mean: null, variance: null, maxWeight: null, maxPosition: null };
});

describe("every format says the same", () => {
  const csv = at("sparse-rep/sentences.csv");

  test("json, jsonl and csv hold the same numbers; jsonl is one sentence a line", async () => {
    const [json, jsonl, table] = await Promise.all(["json", "jsonl", "csv"].map((format) => run([csv, ...small, "--top", "2", "--format", format])));
    const { sentences }: Analysis = JSON.parse(json.stdout);
    expect(jsonl.stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as SentenceReport)).toEqual(sentences);
    expect(table.stdout.split("\n")[0]).toBe("sentence,tokens,orig_mean,orig_var,orig_max_weight,orig_max_pos,sparse_mean,sparse_var,sparse_max_weight,sparse_max_pos,sparse_l0,top");
    const [{ original, sparse, tokens, top }] = sentences;
    const values = [tokens, ...Object.values(original), ...Object.values(sparse), top.map(({ feature, weight }) => `${feature}:${weight}`).join(" ")];
    expect(table.stdout.split("\n")[1]).toBe(`The lamp is on the table.,${values.join(",")}`);
  });

  test("a table is a grid with the original's columns, markdown a table of it", async () => {
    const [table, markdown] = await Promise.all(["table", "markdown"].map((format) => run([csv, ...small, "--format", format])));
    const lines = table.stdout.split("\n");
    expect(lines[0]).toMatch(/^\+(-+\+){9}$/);
    expect(lines[1].split("|").map((cell) => cell.trim())).toEqual(["", "Sentence", "Orig Mean", "Orig Var", "Orig Max Weight", "Orig Max Pos", "Sparse Mean", "Sparse Var", "Sparse Max Weight", "Sparse Max Pos", ""]);
    expect(lines[2]).toMatch(/^\+(=+\+){9}$/);
    expect(markdown.stdout.split("\n")[0]).toMatch(/^\| Sentence \| Orig Mean \|/);
  });

  test("--out writes what stdout would have had, and nothing to stdout", async () => {
    const cwd = folder();
    const [file, pipe] = await Promise.all([start([csv, ...small, "--format", "csv", "--out", "table.csv"], { cwd }), start([csv, ...small, "--format", "csv"])]);
    expect([file.code, file.stdout]).toEqual([0, ""]);
    expect(readFileSync(join(cwd, "table.csv"), "utf8")).toBe(pipe.stdout);
    expect(readdirSync(cwd)).toEqual(["table.csv"]);
  });

  test("a row is the same bytes alone, among others and in another order", async () => {
    const sentences = ["The lamp is on the table.", "Ok", "then the river ran on and on and stopped.", "It’s naïve—über café…"];
    const csvOf = (list: readonly string[]) => `sentence\n${list.join("\n")}\n`;
    const cwd = folder({ "all.csv": csvOf(sentences), "reversed.csv": csvOf([...sentences].reverse()), ...Object.fromEntries(sentences.map((sentence, i) => [`${i}.csv`, csvOf([sentence])])) });
    const lines = async (name: string, threads = "2") => (await run([name, ...small, "--top", "5", "--format", "jsonl", "--threads", threads], { cwd })).stdout.trimEnd().split("\n");
    const all = await lines("all.csv");
    expect(await lines("all.csv", "1")).toEqual(all);
    expect((await lines("reversed.csv")).reverse()).toEqual(all);
    expect((await Promise.all(sentences.map((_, i) => lines(`${i}.csv`)))).flat()).toEqual(all);
  });
});

describe("what is not named", () => {
  test("with nothing at all: the bundled demo and sentences, and stderr says so", async () => {
    const { code, stdout, stderr } = await start([], { cwd: folder() });
    expect(code).toBe(0);
    expect(stdout).toContain("Sparse Max Pos");
    expect(stderr).toMatch(/^model and dictionary: the Hugging Face Hub is out of reach \(.*127\.0\.0\.1:9.*\), so this is the bundled demo/m);
    expect(stderr).toMatch(/no sentences\.csv here, so these are the bundled ones/);
    expect(stderr).toMatch(/padded-mean/);
  });
  test("--quiet says nothing", async () => {
    expect(await run(["--quiet"], { cwd: folder() })).toMatchObject({ code: 0, stderr: "" });
  });
  test("a sentences.csv where the person stands is taken, also through a package manager", async () => {
    const cwd = folder({ "sentences.csv": "sentence\nMine.\n" });
    for (const { stdout } of await Promise.all([run([...small, "--format", "jsonl"], { cwd }), start([...small, "--format", "jsonl"], { env: { INIT_CWD: cwd } })])) expect(JSON.parse(stdout)).toMatchObject({ sentence: "Mine." });
  });
  test("if one is the demo, so is the other", async () => {
    const results = await Promise.all([run(["--model", "demo", "--format", "json"]), run(["--dictionary", "demo", "--format", "json"])]);
    results.push(await run(["--dictionary", "layers.2.mlp_out=demo", "--format", "json"]));
    for (const { stdout } of results) expect(JSON.parse(stdout)).toMatchObject({ model: "demo", dictionary: "demo" });
  });
  test("the defaults, where they lie in the person's folder", async () => {
    const cwd = folder();
    const dictionary = join(cwd, "dictionaries/pythia-70m-deduped/mlp_out_layer3/10_32768");
    const model = join(cwd, "EleutherAI/pythia-70m-deduped");
    for (const path of [dictionary, model]) mkdirSync(path, { recursive: true });
    copyFileSync(at("sparse-rep/ae.pt"), join(dictionary, "ae.pt"));
    for (const name of readdirSync(at("sparse-rep/model"))) copyFileSync(at(`sparse-rep/model/${name}`), join(model, name));
    const { stdout, stderr } = await run(["--format", "json"], { cwd });
    expect(JSON.parse(stdout)).toMatchObject({ model: "EleutherAI/pythia-70m-deduped", dictionary: "dictionaries/pythia-70m-deduped/mlp_out_layer3/10_32768/ae.pt" });
    expect(stderr).not.toContain("demo");
  });
});

test.each(["mlp_out_layer3", "gpt_neox.layers.3.mlp", "blocks.3.hook_mlp_out"])("--site %s is layers.3.mlp_out", async (site) => {
  const { stdout } = await run([at("sparse-rep/sentences.csv"), ...small, "--site", site, "--format", "json"]);
  expect((JSON.parse(stdout) as Analysis).site).toBe("layers.3.mlp_out");
});

test.each(["max", "last"])("--pooling %s of one token is that token, as its mean is", async (pooling) => {
  const cwd = folder({ "sentences.csv": "sentence\n<|endoftext|>\n" });
  const [one, mean] = await Promise.all([pooling, "mean"].map(async (how) => JSON.parse((await run([...small, "--pooling", how, "--format", "jsonl"], { cwd })).stdout) as SentenceReport));
  expect(one.tokens).toBe(1);
  expect(one).toEqual(mean);
});

describe("CSV as people have it", () => {
  test("byte order mark, CRLF, quotes, commas and line ends in cells, right-to-left text, NA and null", async () => {
    const sentences = ["One, two", 'She said "stop"', "Two\r\nlines", "שלום עולם، مرحبا", "NA", "null", "42"];
    const text = `\uFEFFid,sentence\r\n${sentences.map((sentence, i) => `${i},"${sentence.replaceAll('"', '""')}"`).join("\r\n")}`;
    const { stdout } = await run([...small, "--format", "jsonl"], { cwd: folder({ "sentences.csv": text }) });
    expect(stdout.trimEnd().split("\n").map((line) => (JSON.parse(line) as SentenceReport).sentence)).toEqual(sentences);
  });
  test("a sentence without tokens is a row with empty statistics", async () => {
    const cwd = folder({ "sentences.csv": 'sentence,note\n"",first\nOk,second\n' });
    const [table, csv] = await Promise.all(["table", "csv"].map((format) => run([...small, "--format", format], { cwd })));
    expect(csv.stdout.split("\n")[1]).toBe(",0,,,,,,,,,,");
    expect(table.stdout).not.toContain("NaN");
  });
  test("a sentence over the model's context is cut, and stderr says so", async () => {
    const cwd = folder({ "sentences.csv": `sentence\nShort.\n${"word ".repeat(300)}\n` });
    const { code, stdout, stderr } = await run([...small, "--format", "jsonl"], { cwd });
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n").map((line) => (JSON.parse(line) as SentenceReport).tokens)[1]).toBe(128);
    expect(stderr).toMatch(/^sentence 2: cut to the model's context of 128 tokens, it has \d+$/m);
  });
});

describe("a mistake is one line, exit code 1, and nothing written", () => {
  const csv = "sentence,note\nOk,1\n";
  const nanModel = () => {
    const model = folder();
    for (const name of readdirSync(at("sparse-rep/model"))) copyFileSync(at(`sparse-rep/model/${name}`), join(model, name));
    const bytes = readFileSync(join(model, "model.safetensors"));
    const start = 8 + Number(bytes.readBigUInt64LE());
    const [from, to] = JSON.parse(bytes.toString("utf8", 8, start))["gpt_neox.layers.0.mlp.dense_h_to_4h.weight"].data_offsets;
    bytes.fill(0xff, start + from, start + to); // all NaN
    writeFileSync(join(model, "model.safetensors"), bytes);
    return model;
  };
  /** `args` come after those that name the small model and its dictionary, and win; `alone`: without those. */
  const cases: { name: string; args?: string[]; alone?: string[]; csv?: string | Uint8Array; says: RegExp }[] = [
    { name: "a missing file", args: ["nothing.csv"], says: /nothing\.csv/ },
    { name: "a missing column", args: ["--column", "text"], says: /text.*sentence.*note/ },
    { name: "an empty CSV", csv: "", says: /empty/ },
    { name: "a header only", csv: "sentence\n", says: /row/ },
    { name: "not UTF-8", csv: Uint8Array.of(...Buffer.from("sentence\ncaf"), 0xe9, 0x0a), says: /UTF-8/ },
    { name: "an unclosed quote", csv: 'sentence\nOk\n"never closed\nmore\n', says: /line 3|:3/ },
    { name: "a dictionary of another width", args: ["--model", "demo"], says: /dictionary: expected D = 192 \(layers\.3\.mlp_out of demo\), got D = 32/ },
    { name: "NaN in the model", args: ["--model", nanModel()], says: /layers\.0\.mlp\.dense_h_to_4h\.weight/ },
    { name: "NaN in the dictionary", args: ["--dictionary", at("formats/broken/nan_weights.pt")], says: /NaN/ },
    { name: "a dictionary that would run code", args: ["--dictionary", at("formats/broken/reduce_os_system.pt")], says: /not allowed/ },
    { name: "a missing dictionary", args: ["--dictionary", "nowhere/ae.pt"], says: /^nowhere\/ae\.pt: expected a dictionary/ },
    { name: "a missing model", args: ["--model", "nowhere"], says: /^nowhere: expected a model's folder.* or "demo", got no such folder/ },
    { name: "a model on a Hub out of reach", args: ["--model", "EleutherAI/pythia-160m"], says: /pythia-160m.*expected an answer.*cache was looked for at .*models--EleutherAI--pythia-160m.*--model demo --dictionary demo needs no network/ },
    { name: "a dictionary on a Hub out of reach", args: ["--dictionary", "hf:some/saes/ae.pt"], says: /some\/saes.*expected an answer.*--dictionary demo/ },
    { name: "a model without a dictionary", alone: ["--model", at("sparse-rep/model")], says: /pythia-70m-deduped-saes.*expected an answer/ },
    { name: "a dictionary that cannot be a name", args: ["--dictionary", "hf:some"], says: /expected hf:OWNER\/REPO/ },
    { name: "a site that does not exist", args: ["--site", "layers.3.mpl_out"], says: /layers\.3\.mlp_out/ },
    { name: "a layer past the last", args: ["--site", "layers.4.mlp_out"], says: /layers\.4\.mlp_out/ },
    { name: "a flag that does not exist", args: ["--colum", "x"], says: /--colum.*--column/ },
    { name: "a pooling that does not exist", args: ["--pooling", "median"], says: /--pooling: expected .*mean.*got "median"/ },
    { name: "a folder that --out cannot be in", args: ["--out", "nowhere/table.txt"], says: /nowhere/ },
  ];
  test.each(cases)("$name", async ({ args = [], alone = [...small, ...args], csv: content = csv, says }) => {
    const cwd = folder({ "sentences.csv": content });
    for (const output of [["--out", "result.txt"], []]) {
      const { code, stdout, stderr } = await run([...output, ...alone, "--quiet", "--format", "csv"], { cwd });
      expect({ code, stdout, left: readdirSync(cwd), lines: stderr.match(/\n/g)?.length }).toEqual({ code: 1, stdout: "", left: ["sentences.csv"], lines: 1 });
      expect(stderr).toMatch(says);
    }
  });
  test("webgpu where there is no adapter", async () => {
    const env = { VK_DRIVER_FILES: "/nowhere", VK_ICD_FILENAMES: "/nowhere" };
    const { code, stdout, stderr } = await start(["--device", "webgpu", "--model", "demo", "--quiet"], { cwd: folder(), env });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr.trimEnd().split("\n").at(-1)).toMatch(/^device: expected a WebGPU adapter, got /); // Vulkan's loader may have warned before
  });
  test("--debug shows the stack", async () => {
    const { code, stderr } = await start(["nothing.csv", "--debug"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^ +at /m);
  });
});

describe("as a command line should", () => {
  test("--help names every flag, --version the version", async () => {
    const [help, version, throughPnpm] = await Promise.all([start(["--help"]), start(["--version"]), run(["--", "--help"])]);
    expect(throughPnpm.stdout).toBe(help.stdout);
    for (const flag of ["--column", "--model", "--revision", "--dictionary", "--site", "--sites", "--pooling", "--top", "--format", "--per-token", "--report", "--force", "--out", "--device", "--engine", "--threads", "--quiet", "--debug", "--help", "--version"]) expect(help.stdout).toContain(flag);
    expect([help.code, version.code]).toEqual([0, 0]);
    expect(version.stdout.trim()).toBe(JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version);
  });
  test("a literal -- before flags is tolerated", async () => {
    expect(await start(["--", "--model", "demo", "--quiet"])).toMatchObject({ code: 0, stderr: "" });
  });
  test("a reader who has seen enough (| head) ends it quietly", async () => {
    const child = spawn(process.execPath, [app, "--model", "demo", "--device", "cpu", "--quiet", "--format", "jsonl"], { cwd: temporary });
    let stderr = "";
    child.stderr.on("data", (text) => (stderr += text));
    child.stdout.once("data", () => child.stdout.destroy());
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect([code, stderr]).toEqual([0, ""]);
  });
});
