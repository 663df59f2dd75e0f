import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { firstCommit, oracle, startHubServer, storedZip, type HubFile } from "@dictlearn/testing";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("../scripts/verifyReal.mjs", import.meta.url));
const model = new URL("../packages/demo/data/model/", import.meta.url);
const dictionary = new URL("../packages/demo/data/dictionaries/mlp_out_layer3/8_1536/", import.meta.url);

/** Runs the script in an empty folder. */
function run(folder: string, endpoint: string) {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(INIT_CWD|HF_|.*_proxy$)/i.test(name)));
  const child = spawn(process.execPath, [script, "--device", "cpu", "--batches", "2", "--batch-size", "3"], { cwd: folder, env: { ...inherited, HF_ENDPOINT: endpoint, HF_HOME: join(folder, "home") } });
  const texts = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => (texts.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (texts.stderr += text));
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...texts }));
  });
}

test("verify:real runs from names to a table, with the demo's files under the real names", async () => {
  const folder = mkdtempSync(join(tmpdir(), "verify-real-"));
  const files = (url: URL): Record<string, HubFile> => Object.fromEntries(readdirSync(url).map((name) => [name, { bytes: readFileSync(new URL(name, url)), lfs: /safetensors|pt$/.test(name) }]));
  const run10 = "dictionaries/pythia-70m-deduped/mlp_out_layer3/10_32768";
  const archive = storedZip(Object.fromEntries(["ae.pt", "config.json"].map((name) => [`${run10}/${name}`, readFileSync(new URL(name, dictionary))])));
  const server = await startHubServer({
    "EleutherAI/pythia-70m-deduped": { commits: { [firstCommit]: files(model) }, refs: { main: firstCommit } },
    "saprmarks/pythia-70m-deduped-saes": { commits: { [firstCommit]: { "dictionaries_pythia-70m-deduped_10.zip": { bytes: archive, lfs: true } } }, refs: { main: firstCommit } },
    "monology/pile-uncopyrighted": { type: "dataset", commits: { [firstCommit]: { "train/00.jsonl.zst": { bytes: readFileSync(oracle("corpus/pile.jsonl.zst")), lfs: true } } }, refs: { main: firstCommit } },
  });
  try {
    const { code, stdout } = await run(folder, server.url);
    expect(code).toBe(0);
    expect(stdout).toContain("Sparse Max Pos");
    expect(stdout).toMatch(/^frac_variance_explained +0\.\d+ +0\.88$/m);
    expect(stdout).toMatch(/^frac_recovered +\S+ +0\.94$/m);
    expect(stdout).toMatch(/^l0 +\S+ +160$/m);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  }
});
