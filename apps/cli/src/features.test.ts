import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandProcess, oracle } from "@dictlearn/testing";
import { afterAll, describe, expect, test } from "vitest";

const kept = new CommandProcess(new URL("../dist/commands/features.js", import.meta.url), new URL(import.meta.resolve("@dictlearn/command")));
afterAll(() => kept.close());
const temporary = mkdtempSync(join(tmpdir(), "cli-features-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

const at = (path: string) => fileURLToPath(oracle(path));
const files = ["--model", at("sparse-rep/model"), "--dictionary", at("sparse-rep/ae.pt")];
const exact = ["--device", "cpu", "--engine", "wasm"];
const small = [...files, "--dataset-name", "demo", "--tokens", "3000", "--context-length", "32", "--examples", "3", "--samples", "2", "--window", "8"];
/** Until it is found out who reads the environment: no Hub, no cache, nobody's token. */
const env = { ...(Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(INIT_CWD|HF_|.*_proxy$)/i.test(name))) as Record<string, string>), HF_ENDPOINT: "http://127.0.0.1:9", HF_HOME: join(temporary, "hf") };
const run = (args: readonly string[], cwd = folder()) => kept.run({ args: [...(args.includes("--threads") ? [] : ["--threads", "1"]), ...exact, ...args], cwd, env });

/** A new empty folder, where a person stands. */
function folder(): string {
  return mkdtempSync(join(temporary, "here-"));
}

/** All files below a folder by their bytes. */
function bytesOf(path: string): Record<string, string> {
  const names = readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(names.map((entry) => [join(entry.parentPath, entry.name).slice(path.length), createHash("sha256").update(readFileSync(join(entry.parentPath, entry.name))).digest("hex")]).sort());
}

const lines = (path: string) => readFileSync(path, "utf8").trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown> & { activations: { values: number[]; tokens: string[]; maxValue: number }[]; frac_nonzero: number });

/** A module to preload: the process ends by SIGKILL when it has saved for the n-th time, however fast it is. */
const killedAtSave = (n: number) =>
  `data:text/javascript,${encodeURIComponent(`
    import files from "node:fs/promises";
    import { syncBuiltinESMExports } from "node:module";
    const { rename } = files;
    let left = ${n};
    files.rename = async (from, to) => {
      await rename(from, to);
      if (String(to).endsWith("pass.safetensors") && --left === 0) process.kill(process.pid, "SIGKILL");
    };
    syncBuiltinESMExports();`)}`;

describe("a look at all features", async () => {
  const whole = folder();
  const done = await run([...small, "--format", "both", "--out", "out"], whole);

  test("writes a site and JSON, says what is kept, what to open, and leaves no state", () => {
    expect([done.code, done.stdout]).toEqual([0, "out/index.html\nout/features.jsonl\n"]);
    expect(done.stderr).toMatch(/^features: 96 of .*ae\.pt at layers\.3\.mlp_out of .*, over 3,000 tokens of demo; what is kept of them takes 1 MB at the most$/m);
    expect(done.stderr).toMatch(/^ablation: \d+ examples of [\d,]+ tokens, some \d+ s by the pace so far \(--ablate 0 leaves it out\)$/m);
    expect(done.stderr).toMatch(/^features: \d+ of 96 were active on 3,008 tokens; open out\/index\.html in a browser$/m);
    expect(Object.keys(bytesOf(join(whole, "out")))).toEqual(["/data/0.js", "/data/index.js", "/data/vocabulary.js", "/features.jsonl", "/index.html"]);
  });

  test("site and JSON say the same of every feature", () => {
    const data: Record<string, unknown> = {};
    for (const name of ["0", "index"]) new Function("featureData", readFileSync(join(whole, `out/data/${name}.js`), "utf8"))((name: string, given: unknown) => (data[name] = given));
    const site = data["0"] as { count: number; max: number; examples: { values: number[] }[]; samples: unknown[] }[];
    const json = lines(join(whole, "out/features.jsonl"));
    expect(json).toHaveLength(96);
    json.forEach(({ index, frac_nonzero, maxActApprox, activations }, f) => {
      expect([index, frac_nonzero]).toEqual([String(f), site[f].count / 3008]);
      expect(Number((maxActApprox as number).toPrecision(5))).toBe(site[f].max);
      expect(activations).toHaveLength(site[f].examples.length + site[f].samples.length);
      site[f].examples.forEach(({ values }, i) => expect(activations[i].values.flatMap((x, t) => (x === 0 ? [] : [t, Number(x.toPrecision(5))]))).toEqual(values));
    });
  });

  test("on two threads, and stopped by kill -9 twice on the way, it is the same byte for byte", async () => {
    const expected = bytesOf(join(whole, "out"));
    const two = folder();
    expect(await run([...small, "--format", "both", "--out", "out", "--threads", "2"], two)).toMatchObject({ code: 0 });
    expect(bytesOf(join(two, "out"))).toEqual(expected);

    const cwd = folder();
    for (let kills = 0; kills < 2; kills++) {
      const args = ["features", ...exact, "--save-every", "0", "--quiet", ...(kills === 0 ? [...small, "--format", "both", "--out", "out"] : ["--resume", "out"])];
      const child = spawn(process.execPath, ["--import", killedAtSave(kills + 2), fileURLToPath(new URL("../dist/main.cjs", import.meta.url)), ...args], { cwd, env, stdio: "ignore" });
      expect(await new Promise((resolve) => child.on("exit", (_, signal) => resolve(signal)))).toBe("SIGKILL");
      expect(existsSync(join(cwd, "out/state/pass.safetensors"))).toBe(true);
    }
    expect(await run(["--resume", "out"], cwd)).toMatchObject({ code: 0 });
    expect(bytesOf(join(cwd, "out"))).toEqual(expected);
  });

  test("Ctrl-C saves and says how to go on, which comes to the same", async () => {
    const cwd = folder();
    const child = spawn(process.execPath, [fileURLToPath(new URL("../dist/main.cjs", import.meta.url)), "features", ...exact, ...small, "--format", "both", "--out", "out"], { cwd, env });
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (said === "") child.kill("SIGINT"); // its first line is said when all is open
      said += text;
    });
    expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(130);
    expect(said).toMatch(/^features: stopped (at the beginning|after [\d,]+ of [\d,]+ (tokens|ablations)|before all was written); --resume out goes on there$/m);
    expect(existsSync(join(cwd, "out/index.html"))).toBe(false);
    expect(await run(["--resume", "out", "--tokens", "5"], cwd)).toMatchObject({ code: 1, stderr: "--tokens: expected none beside --resume, got 5 — out goes on with its own settings; start another with --out\n" });
    expect(await run(["--resume", "out"], cwd)).toMatchObject({ code: 0 });
    expect(bytesOf(join(cwd, "out"))).toEqual(bytesOf(join(whole, "out")));
    expect(await run(["--resume", "out"], cwd)).toMatchObject({ code: 1, stderr: "out: expected a look at features that was not finished, got none — it is done: open its index.html\n" });
  });

  test("a folder with something in it is written to with --force only, and then what is not ours stays", async () => {
    const cwd = folder();
    mkdirSync(join(cwd, "out/data"), { recursive: true });
    writeFileSync(join(cwd, "out/mine.txt"), "mine");
    writeFileSync(join(cwd, "out/data/7.js"), "old");
    const args = [...small, "--tokens", "64", "--ablate", "0", "--out", "out"];
    expect(await run(args, cwd)).toMatchObject({ code: 1, stderr: expect.stringMatching(/^out: expected a new or empty folder, got one with data, mine\.txt — give another, or --force to write over what an earlier run wrote$/m) });
    expect(readFileSync(join(cwd, "out/data/7.js"), "utf8")).toBe("old");
    expect(await run([...args, "--force"], cwd)).toMatchObject({ code: 0 });
    expect(Object.keys(bytesOf(join(cwd, "out")))).toEqual(["/data/0.js", "/data/index.js", "/data/vocabulary.js", "/index.html", "/mine.txt"]);
  });
});

describe("mistakes are told in a line, and nothing is written", () => {
  const texts = folder();
  writeFileSync(join(texts, "empty.jsonl"), '{"text":""}\n{"text":""}\n');
  writeFileSync(join(texts, "short.jsonl"), '{"text":"a"}\n{"text":""}\n{"text":"b c"}\n');
  test.each([
    [["--dictionary", "nowhere"], /nowhere/],
    [["--dictionary", "demo"], /^dictionary: expected D = 32 \(layers\.3\.mlp_out of .*\), got D = 192 — take a dictionary that was trained on this model$/m],
    [["--site", "layers.9.mlp_out"], /site: expected a layer in 0\.\.3/],
    [["--dataset-name", "no/such/texts.jsonl"], /no\/such\/texts\.jsonl/],
    [["--context-length", "4096"], /expected contextLength from 1 to 128/],
    [["--tokens", "0"], /--tokens/],
    [["--out", join(texts, "short.jsonl", "out")], /short\.jsonl\/out: expected to write it, got ENOTDIR/],
    [["--resume", "nowhere", "--out", "x"], /--model: expected none beside --resume/],
  ])("%j", async (args, message) => {
    const cwd = folder();
    const { code, stderr, stdout } = await run([...small, ...args], cwd);
    expect([code, stdout, readdirSync(cwd)]).toEqual([1, "", []]);
    expect(stderr).toMatch(message);
  });

  test("texts without a token; a few that are short are enough", async () => {
    const cwd = folder();
    const none = await run([...small, "--dataset-name", join(texts, "empty.jsonl"), "--out", "out"], cwd);
    expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/^texts: expected tokens to look at features on, got none in /m)]);
    expect(readdirSync(cwd)).toEqual([]);
    const few = await run([...small, "--dataset-name", join(texts, "short.jsonl"), "--out", "few", "--format", "json"], cwd);
    expect([few.code, few.stderr]).toEqual([0, expect.stringMatching(/^texts: ended after \d+ of 3,000 tokens$/m)]);
    expect(lines(join(cwd, "few/features.jsonl"))).toHaveLength(96);
  });

  test("with nothing named and no Hub it is the demo", async () => {
    const { code, stderr, stdout } = await run(["--tokens", "200", "--ablate", "0"]);
    expect([code, stdout]).toEqual([0, "features_demo/index.html\n"]);
    expect(stderr).toMatch(/^model, dictionary and texts: the Hugging Face Hub is out of reach \(.*\), so this is the bundled demo/m);
  });
});
