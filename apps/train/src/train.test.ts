import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { memorySource, openTorch } from "@dictlearn/checkpoint";
import { eventsThat } from "@dictlearn/report/tensorboard";
import { CommandProcess } from "@dictlearn/testing";
import { afterAll, describe, expect, test } from "vitest";

const app = fileURLToPath(new URL("../dist/main.cjs", import.meta.url));
const sparseRep = fileURLToPath(new URL("../../sparse-rep/dist/main.cjs", import.meta.url));
const temporary = mkdtempSync(join(tmpdir(), "train-"));
/** Says what commands say. How a process is killed and goes on is tested with one of its own. */
const kept = new CommandProcess(new URL("../dist/command.js", import.meta.url), new URL(import.meta.resolve("@dictlearn/command")));
afterAll(() => {
  kept.close();
  rmSync(temporary, { recursive: true, force: true });
});

/** A new empty folder, where a person stands. */
const folder = () => mkdtempSync(join(temporary, "here-"));

/** No Hub, no cache, nobody's token. */
const noHub = { HF_ENDPOINT: "http://127.0.0.1:9", HF_HOME: join(temporary, "hf") };

interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

function environment(): Record<string, string> {
  const inherited = Object.entries(process.env).filter((pair): pair is [string, string] => !/^(INIT_CWD|HF_|.*_proxy$)/i.test(pair[0]));
  return { ...Object.fromEntries(inherited), ...noHub };
}

/** Starts the app as a shell would. */
function start(args: readonly string[], { cwd = temporary, program = app, node = [] }: { cwd?: string; program?: string; node?: readonly string[] } = {}): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [...node, program, ...args], { cwd, env: environment() });
  const texts = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => (texts.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (texts.stderr += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, ...texts }));
  });
  return { child, ended };
}
const run = (args: readonly string[], { cwd = temporary }: { cwd?: string } = {}) => kept.run({ args, cwd, env: environment() });

/** A run of some seconds: 24 steps of 256 tokens. */
const demo = ["--model-name", "demo", "--dataset-name", "demo", "--device", "cpu", "--engine", "wasm"];
/** The same with onnxruntime-node, where it is installed. */
const native = (args: readonly string[]) => args.map((word) => (word === "wasm" ? "native" : word));
const installed = (() => {
  try {
    return !!createRequire(import.meta.url).resolve("onnxruntime-node");
  } catch {
    return false;
  }
})();
const small = [...demo, "--context-length", "32", "--sae-batch-size", "256", "--num-tokens", "6144", "--buffer-tokens", "1024", "--features", "256", "--layer", "1", "--save-dir", "out"];
const trainer0 = "out/resid_post_layer_1/trainer_0";

const files = (path: string): string[] => (readdirSync(path, { recursive: true }) as string[]).filter((name) => statSync(join(path, name)).isFile()).sort();
const json = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const lines = (path: string): Record<string, number>[] => readFileSync(path, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line));
const digest = (cwd: string, path?: string) => createHash("sha256").update(bytes(cwd, path)).digest("hex");
const bytes = (cwd: string, path = `${trainer0}/ae.pt`) => readFileSync(join(cwd, path));

describe("a run", async () => {
  const cwd = folder();
  const all = { standard: "AutoEncoder", "topk:k=8": "AutoEncoderTopK" };
  const result = await run([...small, ...Object.keys(all).flatMap((name) => ["--trainer", name]), "--site", "layers.1.resid_post", "--site", "mlp_out_layer1", "--eval-tokens", "500"].filter((word, i, words) => word !== "--layer" && words[i - 1] !== "--layer"), { cwd });

  test("is laid out as dictionary_learning lays it out, by site and trainer", () => {
    expect(result).toMatchObject({ code: 0 });
    const checkpoints = Array.from({ length: 12 }, (_, i) => `checkpoints/ae_${2 * (i + 1)}.pt`).sort();
    const own = ["ae.pt", ...checkpoints, "config.json", "eval_results.json", "metrics.jsonl"];
    const ofSite = (site: string) => [0, 1].flatMap((i) => own.map((name) => `${site}/trainer_${i}/${name}`));
    const state = ["buffer.safetensors", "state.json", ...[0, 1, 2, 3].map((i) => `trainer_${i}.safetensors`)];
    expect(files(join(cwd, "out"))).toEqual([
      ...ofSite("mlp_out_layer_1"),
      "report.html",
      ...ofSite("resid_post_layer_1"),
      "state/latest",
      ...["step-22", "step-24"].flatMap((step) => state.map((name) => `state/${step}/${name}`)),
    ]);
    expect(result.stdout.trimEnd().split("\n").map((line) => line.split("  ")[0])).toEqual(["resid_post_layer_1", "mlp_out_layer_1"].flatMap((site) => [0, 1].map((i) => `out/${site}/trainer_${i}/ae.pt`)));
  });

  test("config.json says what load_dictionary asks for", () => {
    Object.values(all).forEach((dict_class, i) => {
      const { trainer, buffer } = json(join(cwd, `out/mlp_out_layer_1/trainer_${i}/config.json`));
      expect(trainer).toMatchObject({ dict_class, activation_dim: 192, dict_size: 256, steps: 24, seed: 42, layer: 1, lm_name: "demo", submodule_name: "mlp_out_layer_1" });
      expect(buffer).toMatchObject({ ctx_len: 32, out_batch_size: 256, refresh_batch_size: 512, d_submodule: 192 });
    });
    expect(json(join(cwd, "out/mlp_out_layer_1/trainer_0/config.json")).trainer).toMatchObject({ lr: 3e-4, l1_penalty: 2, warmup_steps: 2, sparsity_warmup_steps: null, decay_start: null, resample_steps: null });
  });

  test("ae.pt is a torch file of that class's tensors, and the last checkpoint is the same", async () => {
    const file = await openTorch(memorySource(bytes(cwd), "ae.pt"));
    expect(file.names).toEqual(["bias", "encoder.weight", "encoder.bias", "decoder.weight"]);
    expect((await file.read("decoder.weight")).shape).toEqual([192, 256]);
    expect(digest(cwd, `${trainer0}/checkpoints/ae_24.pt`)).toBe(digest(cwd));
    expect(digest(cwd, `${trainer0}/checkpoints/ae_22.pt`)).not.toBe(digest(cwd));
  });

  test("metrics.jsonl has a line a log, and losses fall", () => {
    for (const [i, part] of ["sparsity_loss", "l2_loss"].entries()) {
      const metrics = lines(join(cwd, `out/resid_post_layer_1/trainer_${i}/metrics.jsonl`));
      expect(metrics.map(({ step }) => step)).toEqual(Array.from({ length: 12 }, (_, n) => 2 * (n + 1)));
      for (const line of metrics) {
        expect(line.tokens).toBe(256 * line.step);
        for (const name of ["loss", part, "l0", "frac_variance_explained", "lr", "tokens_per_second"]) expect(line[name], name).toBeTypeOf("number");
      }
      expect(metrics.at(-1)!.loss).toBeLessThan(metrics[0].loss);
    }
  });

  test("eval_results.json has dictionary_learning's measures", () => {
    const results = json(join(cwd, trainer0, "eval_results.json"));
    expect(Object.keys(results)).toEqual(expect.arrayContaining(["l2_loss", "l1_loss", "l0", "frac_variance_explained", "cossim", "l2_ratio", "relative_reconstruction_bias", "loss_original", "loss_reconstructed", "loss_zero", "frac_recovered", "frac_alive", "hyperparameters"]));
    expect(results.loss_zero).toBeGreaterThan(results.loss_original);
    const { features, silent } = results.feature_density;
    expect(silent).toBe(Math.round(256 * (1 - results.frac_alive)));
    expect(features.reduce((sum: number, n: number) => sum + n, silent)).toBe(256);
  });

  test("report.html shows the last numbers of the metrics and the evaluation, of every trainer", () => {
    const page = readFileSync(join(cwd, "out/report.html"), "utf8");
    expect(page).toContain("Done: step 24 of 24, 6,144 tokens");
    expect(page.match(/<section class="trainer"/g)).toHaveLength(4);
    for (const site of ["mlp_out_layer_1", "resid_post_layer_1"])
      for (const i of [0, 1]) {
        const { loss, l0 } = lines(join(cwd, `out/${site}/trainer_${i}/metrics.jsonl`)).at(-1)!;
        const { frac_recovered, l2_loss } = json(join(cwd, `out/${site}/trainer_${i}/eval_results.json`));
        for (const number of [loss, l0, frac_recovered, l2_loss]) expect(page).toContain(`<data value="${number}">`);
      }
  });

  test("sparse-rep opens what was trained", async () => {
    const { code, stdout } = await start(["--model", "demo", "--site", "layers.1.resid_post", "--dictionary", `${trainer0}/ae.pt`, "--format", "csv", "--device", "cpu"], { cwd, program: sparseRep }).ended;
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n").length).toBe(15);
  });
});

describe("the same bytes", async () => {
  const whole = folder();
  const trained = await run([...small, "--trainer", "topk:k=8", "--normalize", "--threads", "2"], { cwd: whole });

  test("with one thread as with two", async () => {
    expect(trained.code).toBe(0);
    const cwd = folder();
    expect(await run([...small, "--trainer", "topk:k=8", "--normalize", "--threads", "1"], { cwd })).toMatchObject({ code: 0 });
    expect(digest(cwd)).toBe(digest(whole));
  });

  test.each(["document", "packed"])("after kill -9 and --resume, rows %s", async (rows) => {
    const args = [...small, "--rows", rows, "--trainer", "topk:k=8", "--normalize", "--save-every", "1", "--skip-first", "1", "--log-to", "csv", "--log-to", "tensorboard"];
    const [other, cwd] = [folder(), folder()];
    expect(await run(args, { cwd: other })).toMatchObject({ code: 0 });
    for (let kills = 0; kills < 3; kills++) {
      const { child, ended } = start(kills === 0 ? args : ["--resume", "out"], { cwd });
      await until(() => existsSync(join(cwd, "out/state/latest")) && Number(readFileSync(join(cwd, "out/state/latest"), "utf8").slice(5)) >= 7 * kills); // the first before any step
      child.kill("SIGKILL");
      expect((await ended).signal).toBe("SIGKILL");
    }
    expect(await run(["--resume", "out"], { cwd })).toMatchObject({ code: 0 });
    expect(digest(cwd)).toBe(digest(other));
    expect(lines(join(cwd, trainer0, "metrics.jsonl")).map(untimed)).toEqual(lines(join(other, trainer0, "metrics.jsonl")).map(untimed));
    expect(table(join(cwd, trainer0, "metrics.csv"))).toEqual(table(join(other, trainer0, "metrics.csv")));
    expect(loggedSteps(join(cwd, trainer0))).toEqual(Array.from({ length: 12 }, (_, i) => 2 * (i + 1)));
    expect(json(join(cwd, trainer0, "config.json"))).toEqual(json(join(other, trainer0, "config.json")));
    const others = (path: string) => files(path).filter((name) => !name.includes("tfevents"));
    expect(others(join(cwd, "out"))).toEqual(others(join(other, "out")));
  });

  test("from disk: the first run writes the activations, the next only reads them; after kill -9 and --resume", async () => {
    const cwd = folder();
    const args = [...small, "--rows", "packed", "--trainer", "topk:k=8", "--skip-first", "1", "--save-every", "1", "--activations", "kept"];
    const first = await run(args, { cwd });
    expect([first.code, first.stderr]).toEqual([0, expect.stringMatching(/^activations: kept: 6,144 tokens take 5 MB as f32 \(.* are free\)$/m)]);
    const manifest = json(join(cwd, "kept/manifest.json"));
    expect(manifest).toMatchObject({ complete: true, skipFirst: 1, sites: { "layers.1.resid_post": 192 }, provenance: { model: expect.stringMatching(/^demo \(SHA-256 /), context_length: 32, rows: "packed" } });

    const { child, ended } = start([...args, "--save-dir", "again"], { cwd });
    await until(() => existsSync(join(cwd, "again/state/latest")) && Number(readFileSync(join(cwd, "again/state/latest"), "utf8").slice(5)) >= 7);
    child.kill("SIGKILL");
    expect(await ended).toMatchObject({ signal: "SIGKILL", stderr: expect.stringMatching(/^activations: kept has the 6,144 tokens; they are read, and the model does not run\n/) });
    expect(await run(["--resume", "again", "--eval-tokens", "200"], { cwd })).toMatchObject({ code: 0, stdout: expect.stringContaining("on unseen text L0 8.0") });
    expect(digest(cwd, trainer0.replace("out", "again") + "/ae.pt")).toBe(digest(cwd));
    expect(json(join(cwd, "kept/manifest.json"))).toEqual(manifest);

    const { code, stderr } = await run([...args, "--save-dir", "other", "--context-length", "16", "--skip-first", "0"], { cwd });
    expect([code, stderr]).toEqual([1, "kept: expected activations of context_length 16, got 32; skip_first 0, got 1 — give another directory, or the settings that these were written with\n"]);
    expect(existsSync(join(cwd, "other"))).toBe(false);
  });

  test("after Ctrl-C, which saves and says how to go on, and --resume", async () => {
    const cwd = folder();
    const { child, ended } = start([...small, "--trainer", "topk:k=8", "--normalize"], { cwd });
    await until(() => existsSync(join(cwd, `${trainer0}/metrics.jsonl`)));
    child.kill("SIGINT");
    const { code, stderr } = await ended;
    expect(code).toBe(130);
    expect(stderr).toMatch(/^train: stopped after step \d+ of 24; --resume out goes on there$/m);
    expect(existsSync(join(cwd, trainer0, "ae.pt"))).toBe(false);
    expect(readFileSync(join(cwd, "out/report.html"), "utf8")).toMatch(/Stopped: step \d+ of 24/);
    expect(await run(["--resume", "out"], { cwd })).toMatchObject({ code: 0 });
    expect(digest(cwd)).toBe(digest(whole));
  });

  test("a run that is done can be resumed: nothing is left, and nothing changes", async () => {
    const before = digest(whole);
    expect(await run(["--resume", "out", "--sae-batch-size", "256"], { cwd: whole })).toMatchObject({ code: 0 });
    expect(digest(whole)).toBe(before);
  });

  test("a run with other parameters does not resume: the differences are listed", async () => {
    const { code, stderr } = await run(["--resume", "out", "--sae-batch-size", "512", "--trainer", "topk:k=9", "--rows", "document", "--site", "mlp_out_layer1", "--revision", "v2"], { cwd: whole });
    expect([code, stderr]).toEqual([1, 'out: expected the run\'s own parameters: sae_batch_size 256, got 512; sites ["layers.1.resid_post"], got ["layers.1.mlp_out"]; trainers topk:k=8, got topk:k=9; revision null, got "v2" — leave them out to resume, or start another run with --save-dir\n']);
  });

  test.skipIf(process.platform !== "linux")("a run that ends, or is not begun, leaves no file of its model open", async () => {
    const open = `import { readdirSync, readlinkSync } from "node:fs";
      const pathOf = (fd) => { try { return readlinkSync("/proc/self/fd/" + fd); } catch { return ""; } };
      process.on("exit", () => process._rawDebug(readdirSync("/proc/self/fd").map(pathOf).filter((path) => path.endsWith("model.safetensors")).length + " open"));`;
    const node = ["--import", `data:text/javascript,${encodeURIComponent(open)}`];
    const short = [...demo, "--quiet", "--num-tokens", "512", "--sae-batch-size", "256", "--save-dir", "closed"];
    const cwd = folder();
    expect(await start(short, { cwd, node }).ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/^0 open\n$/) });
    expect(await start(["--resume", "closed", "--sae-batch-size", "512"], { cwd, node }).ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/^closed: expected the run's own parameters.*\n0 open\n$/) });
  });

  test("another engine needs --allow-inexact", async () => {
    const path = join(whole, "out/state/step-24/state.json");
    const state = json(path);
    state.about.engine = "webgpu (a GPU)";
    writeFileSync(path, JSON.stringify(state));
    expect(await run(["--resume", "out"], { cwd: whole })).toMatchObject({ code: 1, stderr: expect.stringMatching(/^out: expected the run's own engine, webgpu \(a GPU\), got \S.* — .*--allow-inexact/) });
    expect(await run(["--resume", "out", "--allow-inexact"], { cwd: whole })).toMatchObject({ code: 0 });
  });

  test.skipIf(!installed)("with the native engine on one thread as on two, and after --resume, which takes it again; wasm would need --allow-inexact", async () => {
    // products large enough for it: 64 rows of 32 tokens a pass
    const args = native([...small, "--llm-batch-size", "64", "--trainer", "topk:k=8", "--skip-first", "1"]);
    const [one, cwd] = [folder(), folder()];
    expect(await run([...args, "--threads", "1"], { cwd: one })).toMatchObject({ code: 0 });
    const { child, ended } = start([...args, "--save-every", "1"], { cwd });
    await until(() => existsSync(join(cwd, "out/state/latest")) && Number(readFileSync(join(cwd, "out/state/latest"), "utf8").slice(5)) >= 5);
    child.kill("SIGKILL");
    await ended;
    expect(await run(["--resume", "out", "--engine", "wasm"], { cwd })).toMatchObject({ code: 1, stderr: expect.stringMatching(/^out: expected the run's own engine, onnxruntime \d.*, got wasm — --device cpu --engine native .*, or --allow-inexact/m) });
    expect(await run(["--resume", "out", "--debug"], { cwd })).toMatchObject({ code: 0, stderr: expect.stringMatching(/^device: cpu \(WebAssembly SIMD, onnxruntime .*, \d+ threads?\); every result is looked at/m) });
    expect(digest(cwd)).toBe(digest(one));
  });
});

const untimed = (line: Record<string, number>) => ({ ...line, tokens_per_second: 0 });

/** Cells of a metrics.csv, of which those of tokens_per_second, the last, say nothing. */
const table = (path: string) => readFileSync(path, "utf8").trimEnd().split("\n").map((line) => line.split(",").slice(0, -1));

/** The steps in a folder's files of events, in their order. */
function loggedSteps(path: string): number[] {
  const steps: number[] = [];
  for (const name of readdirSync(path).filter((name) => name.includes("tfevents")).sort()) eventsThat(readFileSync(join(path, name)), ({ step, tag }) => tag === "tokens" && steps.push(step) > 0);
  return steps;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("a run where another was moves it aside", async () => {
  const cwd = folder();
  const args = [...small, "--num-tokens", "512"];
  await run(args, { cwd });
  const first = digest(cwd);
  const { code, stderr } = await run([...args, "--random-seed", "7"], { cwd });
  expect(code).toBe(0);
  expect(stderr).toContain("out: there was a run; it is in out/earlier-1 now");
  expect(digest(cwd, "out/earlier-1/resid_post_layer_1/trainer_0/ae.pt")).toBe(first);
  expect(digest(cwd)).not.toBe(first);
  expect(existsSync(join(cwd, "out/earlier-1/report.html"))).toBe(true);
});

describe("nothing named and no Hub", async () => {
  const cwd = folder();
  const { code, stderr } = await run(["--sae-batch-size", "8192", "--context-length", "64"], { cwd });

  test("the demo is trained on, under a name that says so", () => {
    expect(code).toBe(0);
    expect(stderr).toMatch(/^model and texts: the Hugging Face Hub is out of reach \(.*\), so this is the bundled demo, saved under sae_results\/demo \(/m);
    expect(json(join(cwd, "sae_results/demo/resid_post_layer_3/trainer_0/config.json")).trainer).toMatchObject({ lm_name: "demo", dict_size: 8 * 192, steps: 1 });
  });

  test("the original's 10,000 tokens are one step, which is taken and saved, and told", () => {
    expect(files(join(cwd, "sae_results/demo/resid_post_layer_3/trainer_0"))).toEqual(["ae.pt", "checkpoints/ae_1.pt", "config.json", "metrics.jsonl"]);
    expect(stderr).toMatch(/^train: 1 step of 8,192 tokens: this dictionary has not learned; it would with --num-tokens 8192000, 1,000 steps$/m);
  });

  test("cuda means the GPU, and a line says that there is none", () => expect(stderr).toMatch(/^device: cuda means the GPU, and no GPU is found here, so this runs on the CPU$/m));
});

describe("params.json", () => {
  const params = (cwd: string, content: unknown) => writeFileSync(join(cwd, "mine.json"), typeof content === "string" ? content : JSON.stringify(content));
  const entry = (value: unknown) => ({ value, description: "" });

  test("sets what flags do not", async () => {
    const cwd = folder();
    params(cwd, { model_name: entry("demo"), dataset_name: entry("demo"), layer: entry(1), num_tokens: entry(512), sae_batch_size: entry(128), context_length: entry(32), save_dir: entry("mine"), device: entry("cpu"), random_seed: entry(3) });
    expect(await run(["--params", "mine.json", "--sae-batch-size", "256", "--features", "64"], { cwd })).toMatchObject({ code: 0 });
    expect(json(join(cwd, "mine/resid_post_layer_1/trainer_0/config.json"))).toMatchObject({ trainer: { steps: 2, seed: 3, dict_size: 64 }, buffer: { out_batch_size: 256 } });
  });

  test.each<[unknown, string]>([
    [{ num_token: entry(1) }, "mine.json: num_token: expected one of context_length, llm_batch_size, sae_batch_size, device, save_dir, model_name, random_seed, layer, dataset_name, num_tokens — did you mean num_tokens?"],
    [{ layer: entry("three") }, 'mine.json: layer: expected a whole number >= 0, got "three"'],
    [{ num_tokens: entry(0) }, "mine.json: num_tokens: expected a whole number >= 1, got 0"],
    [{ device: entry("tpu") }, 'mine.json: device: expected one of auto, webgpu, cpu, cuda, mps, got "tpu"'],
    [{ layer: 3 }, 'mine.json: layer: expected { "value", "description" }, got 3'],
    [[], "mine.json: expected a JSON object, got []"],
  ])("%j is told", async (content, message) => {
    const cwd = folder();
    params(cwd, content);
    expect(await run(["--params", "mine.json"], { cwd })).toEqual({ code: 1, stdout: "", stderr: `${message}\n` });
  });

  test("text that is no JSON, and no file, are told", async () => {
    const cwd = folder();
    params(cwd, "{");
    expect((await run(["--params", "mine.json"], { cwd })).stderr).toMatch(/^mine\.json: expected JSON, got .+\n$/);
    expect((await run(["--params", "none.json"], { cwd })).stderr).toMatch(/^none\.json: expected a file of parameters, got none/);
  });
});

describe("mistakes are one line, and nothing is written", () => {
  const cwd = folder();
  writeFileSync(join(cwd, "a-file"), "");
  writeFileSync(join(cwd, "short.jsonl"), '{"text":"A few words."}\n{"text":""}\n{"text":"And a few more."}\n');
  test.each<[string[], RegExp]>([
    [["--trainer", "topk:k=300"], /^topK: expected k from 1 to features = 256, got 300$/],
    [["--trainer", "topk"], /^--trainer topk: expected k, got none — such as --trainer topk:k=32$/],
    [["--trainer", "topq:k=3"], /^--trainer: expected one of standard, .*, got "topq" — did you mean topk\?$/],
    [["--trainer", "standard:l1penalty=3"], /^--trainer standard: expected options .*, got l1penalty — did you mean l1_penalty\?$/],
    [["--trainer", "topk:k"], /^--trainer topk: expected key=value, got "k"/],
    [["--trainer", "topk:k=3", "--trainer", "topk:k=4", "--k", "5"], /^--k: expected one --trainer, got 2 — give each its own: --trainer topk:k=…$/],
    [["--trainer", "topk:k=3", "--k", "5"], /^--k: expected k once, got it in --trainer topk too$/],
    [["--warmup-steps", "24"], /^standard: expected warmupSteps to be a whole number < steps = 24, got 24$/],
    [["--layer", "6"], /^site: expected a layer in 0\.\.5, got "layers\.6\.resid_post"$/],
    [["--site", "layers.1.mlp_out"], /^--layer: expected either --layer or --site, got both/],
    [["--context-length", "513"], /^context_length: expected at most 512 \(max_position_embeddings of demo\), got 513$/],
    [["--num-tokens", "255"], /^num_tokens: expected at least a batch of 256, got 255 — /],
    [["--skip-first", "32"], /^skip_first: expected less than context_length = 32, got 32$/],
    [["--features", "8", "--expansion", "2"], /^--features: expected either --features or --expansion, got both$/],
    [["--features", "4000000"], /^memory: expected at most [\d.]+ GB on the CPU, got 24,\d{3},\d{3},\d{3} bytes: .*, model \d+ MB — /],
    [["--num-token", "10"], /unknown option '--num-token'/],
    [["--save-dir", "a-file"], /^a-file: expected a folder that can be written, got (ENOTDIR|EEXIST)$/],
    [["--dataset-name", "short.jsonl"], /^texts: expected 256 tokens for a training step, got fewer before their end/],
    [["--dataset-name", "nothing-there"], /nothing-there/],
    [["--revision", "v2"], /^demo: expected no revision, since it is the bundled demo, got "v2"/],
    [["--data-revision", "v2"], /^demo: expected no revision, since it is the bundled demo, got "v2"/],
    [["--data-config", "en"], /^demo: expected no config, since it is the bundled demo, got "en"/],
    [["--model-name", "owner/named", "--dataset-name", "demo"], /--model-name demo --dataset-name demo needs no network$/],
  ])("%j", async (args, message) => {
    const { code, stderr, stdout } = await run([...small, ...args], { cwd });
    expect(stderr.trimEnd()).toMatch(message);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr.trimEnd().split("\n").length).toBe(1);
    expect(existsSync(join(cwd, "out"))).toBe(false);
  });

  test("--resume of nothing", async () => {
    mkdirSync(join(cwd, "empty"));
    expect(await start(["--resume", "empty"], { cwd }).ended).toMatchObject({ code: 1, stderr: expect.stringMatching(/^empty: expected a run with a state to go on from, got none/) });
  });
});

describe("what goes wrong on the way", () => {
  test("texts that end early: what there was is trained on and saved, and told; empty ones are passed over", async () => {
    const cwd = folder();
    writeFileSync(join(cwd, "short.jsonl"), Array.from({ length: 40 }, (_, i) => `${JSON.stringify({ body: i % 3 ? `Number ${i} of our addresses to the nation, in which the state of the union is told at some length.` : "" })}\n`).join(""));
    const { code, stderr } = await run([...small, "--dataset-name", "short.jsonl", "--text-column", "body", "--eval-tokens", "10"], { cwd });
    expect([code, stderr]).toEqual([0, expect.anything()]);
    expect(stderr).toMatch(/^texts: ended after 512 of 6,144 tokens, so training stops at step 2 of 24 and what it has learned is saved/m);
    expect(stderr).toMatch(/^eval: no text is left that training did not see, so nothing is evaluated$/m);
    expect(files(join(cwd, trainer0))).toEqual(["ae.pt", "checkpoints/ae_2.pt", "config.json", "metrics.jsonl"]);
  });

  test("a loss that is not finite: the step and the last good checkpoint are named, and stay", async () => {
    const cwd = folder();
    const { code, stderr } = await run([...small, "--lr", "1e30", "--warmup-steps", "20", "--sparsity-warmup-steps", "1", "--save-every", "1"], { cwd });
    expect(code).toBe(1);
    const [, step, checkpoint] = /^standard \(trainer 0 at layers\.1\.resid_post\): expected a finite loss, got \S+ at step (\d+) — the last good checkpoint is (\S+); try a smaller learning rate/m.exec(stderr)!;
    expect(checkpoint).toBe(`${trainer0}/checkpoints/ae_${Number(step) - 1}.pt`);
    const file = await openTorch(memorySource(bytes(cwd, checkpoint)));
    for (const name of file.names) expect((await file.read(name)).data.every(Number.isFinite)).toBe(true);
    expect(existsSync(join(cwd, trainer0, "ae.pt"))).toBe(false);
  });
});

test("under --debug a number that is not finite is found where it comes from, and what was saved stays", async () => {
  const cwd = folder();
  const { code, stderr } = await run([...small, "--lr", "1e30", "--warmup-steps", "20", "--sparsity-warmup-steps", "1", "--save-every", "1", "--debug"], { cwd });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^[a-z]\w+: expected finite results, got \S+ at element \d+ in \w+ f32\[.*\] — the last good checkpoint is out\/resid_post_layer_1\/trainer_0\/checkpoints\/ae_\d+\.pt; /im);
  const [, checkpoint] = /the last good checkpoint is (\S+);/.exec(stderr)!;
  const file = await openTorch(memorySource(bytes(cwd, checkpoint)));
  for (const name of file.names) expect((await file.read(name)).data.every(Number.isFinite)).toBe(true);
});

test("--help says what each parameter is", async () => {
  const { code, stdout } = await start(["--help"]).ended;
  expect(code).toBe(0);
  expect(stdout).toMatch(/--num-tokens <N> +tokens to train on \(params\.json: 10000\)/);
  expect(stdout).toMatch(/--trainer <NAME/);
  expect(stdout.replace(/\s+/g, " ")).toContain("--group-fractions <VALUE> matryoshka");
});
