import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { firstCommit, CommandProcess, oracle, startHubServer } from "@dictlearn/testing";
import { afterAll, beforeEach, expect, test } from "vitest";

const temporary = mkdtempSync(join(tmpdir(), "convert-command-"));
const kept = new CommandProcess(new URL("../../dist/commands/convert.js", import.meta.url), new URL(import.meta.resolve("@dictlearn/command")));
afterAll(() => {
  kept.close();
  rmSync(temporary, { recursive: true, force: true });
});
let cwd: string;
beforeEach(() => void (cwd = mkdtempSync(join(temporary, "here-"))));

const path = (name: string) => fileURLToPath(oracle(name));
const sha256 = (...names: string[]) => createHash("sha256").update(readFileSync(join(cwd, ...names))).digest("hex");
const inherited = Object.fromEntries(Object.entries(process.env).filter((pair): pair is [string, string] => !/^(INIT_CWD|HF_|.*_proxy$)/i.test(pair[0])));
const run = (args: readonly string[], env = {}) => kept.run({ args, cwd, env: { ...inherited, HF_ENDPOINT: "http://127.0.0.1:9", HF_HOME: join(temporary, "hf"), ...env } });

test("says what it read, what it changed and what it wrote: files that SAELens opened", async () => {
  const { opened } = JSON.parse(readFileSync(oracle("formats/elsewhere.json"), "utf8")) as { opened: Record<string, Record<string, string>> };
  cpSync(path("trained/batchTopK"), join(cwd, "trainer_0"), { recursive: true });
  const { code, stdout, stderr } = await run(["trainer_0", "new/out", "--to", "saelens"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toBe(`read    trainer_0: BatchTopKSAE of dictionary_learning, D = 16, F = 40
changed the threshold is written for each feature; k, which counts in training only, is left out
wrote   new/out/cfg.json and new/out/sae_weights.safetensors: jumprelu of SAELens
`);
  for (const name of readdirSync(join(cwd, "new/out"))) expect(sha256("new/out", name)).toBe(opened["saelens/batchTopK"][name]);
});

test.each([
  ["formats/dl/AutoEncoder_april", ["--to", "saelens"], /^changed the decoder's columns, made unit vectors/m],
  ["formats/dl/AutoEncoder_april", ["--to", "saelens", "--no-normalize-decoder"], /^read[^\n]*\nwrote/],
  ["formats/saelens/jumprelu_trained", ["--to", "dictionary-learning"], /^changed apply_b_dec_to_input: the decoder's bias is taken from x in the encoder's bias now$/m],
  ["formats/saelens/batchtopk_trained_full", ["--to", "dictionary-learning"], /^changed rescale_acts_by_decoder_norm: /m],
  ["formats/saelens/standard_expected_average", ["--to", "dictionary-learning", "--activation-scale", "1.5"], /^changed the factor 1\.5 of the activations: /m],
  ["trained/topK", ["--to", "sparsify"], /^changed the threshold is left out: the k largest count\nwrote .*: topk of sparsify$/m],
])("what is folded or left out is said: %s %j", async (source, args, says) => {
  expect(await run([path(source), "out", ...args])).toMatchObject({ code: 0, stdout: expect.stringMatching(says) });
});

test("from the Hub, into the folder where a dictionary was with --force; what is in the way otherwise stays", async () => {
  const folder = path("formats/saelens/topk");
  const server = await startHubServer({ "owner/saes": { commits: { [firstCommit]: Object.fromEntries(["cfg.json", "sae_weights.safetensors"].map((name) => [`layers.3/${name}`, { bytes: readFileSync(join(folder, name)) }])) }, refs: { main: firstCommit } } });
  try {
    const args = ["hf:owner/saes/layers.3", "out", "--to", "sparsify"];
    const env = { HF_ENDPOINT: server.url };
    expect(await run(args, env)).toMatchObject({ code: 0, stdout: expect.stringContaining("read    hf:owner/saes/layers.3: AutoEncoderTopK of SAELens, D = 12, F = 40") });
    const before = sha256("out/sae.safetensors");
    expect(await run(args, env)).toMatchObject({ code: 1, stderr: "out: expected a new or empty folder, got one with cfg.json, sae.safetensors — give another, or replace the dictionary in it (replace, --force)\n" });
    expect(await run([...args.slice(0, 3), "dictionary-learning", "--force"], env)).toMatchObject({ code: 0 });
    expect(readdirSync(join(cwd, "out")).sort()).toEqual(["ae.pt", "config.json"]);
    expect(await run([...args, "--force"], env)).toMatchObject({ code: 0 });
    expect(sha256("out/sae.safetensors")).toBe(before);

    mkdirSync(join(cwd, "run/checkpoints"), { recursive: true });
    expect(await run(["hf:owner/saes/layers.3", "run", "--to", "sparsify", "--force"], env)).toMatchObject({ code: 1, stderr: "run: expected a folder with nothing but a dictionary to replace, got one with checkpoints — give another\n" });
    expect(readdirSync(cwd).sort()).toEqual(["out", "run"]);
  } finally {
    await server.close();
  }
});

const mixed = (weights: string, config: string, name: string) => () => {
  mkdirSync(join(cwd, "mixed"));
  cpSync(path(weights), join(cwd, "mixed", weights.split("/").at(-1)!));
  cpSync(path(config), join(cwd, "mixed", name));
  return "mixed";
};
test.each<[string, () => string, string[], RegExp]>([
  ["an ae.pt with SAELens' config", mixed("formats/dl/GatedAutoEncoder/ae.pt", "formats/saelens/gated/cfg.json", "cfg.json"), ["--to", "sparsify"], /^mixed: expected a safetensors file, as the cfg\.json beside it is SAELens's \(d_sae\), got a torch file with .* — give the config that belongs to the weights\n$/],
  ["an unknown format", mixed("formats/sparsify/topk/sae.safetensors", "sparse-rep/expected.json", "cfg.json"), ["--to", "saelens"], /^mixed: expected a config beside these tensors of sparsify \(cfg\.json with num_latents or expansion_factor\), got cfg\.json with /],
  ["a class that SAELens has not", () => path("formats/sparsify/groupmax"), ["--to", "saelens"], /^GroupMax: expected AutoEncoder, AutoEncoderNew, .* for SAELens, got GroupMax\n$/],
  ["a factor that nobody told", () => path("formats/saelens/standard_expected_average"), ["--to", "dictionary-learning"], /got expected_average_only_in without the factor \(activationScale\) — give what x was multiplied by in training/],
  ["a transcoder", () => path("formats/saelens/transcoder"), ["--to", "dictionary-learning"], /got a transcoder\n$/],
  ["nothing there", () => "nowhere", ["--to", "saelens"], /^nowhere: expected a dictionary \(.*\), got no such file/],
  ["no format", () => "demo", [], /^--to: expected one of dictionary-learning, saelens, sparsify, got nothing — convert --help/],
  ["a Hub out of reach", () => "hf:owner/others/x", ["--to", "saelens"], /— .*a path on this machine needs no network\n$/],
])("%s is one line, and nothing is written", async (_, source, args, says) => {
  const { code, stdout, stderr } = await run([source(), "out", ...args]);
  expect([code, stdout, stderr]).toEqual([1, "", expect.stringMatching(says)]);
  expect(existsSync(join(cwd, "out"))).toBe(false);
});

test("a file where the folder should be stays as it is", async () => {
  writeFileSync(join(cwd, "out"), "mine");
  expect(await run(["demo", "out", "--to", "saelens", "--force"])).toMatchObject({ code: 1, stderr: "out: expected a folder that can be written, got a file\n" });
  expect(readFileSync(join(cwd, "out"), "utf8")).toBe("mine");
});
