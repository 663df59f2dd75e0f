import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { firstCommit, secondCommit, startHubServer, type HubFile, type HubRepo, type HubServer } from "@dictlearn/testing";
import { afterAll, beforeAll, expect, test } from "vitest";

// The demo's model under the real name, and a data set under the real one, on a Hub on loopback.

const app = fileURLToPath(new URL("../dist/main.cjs", import.meta.url));
const model = new URL("../../../packages/demo/data/model/", import.meta.url);
const modelFiles: Record<string, HubFile> = Object.fromEntries(readdirSync(model).map((name) => [name, { bytes: readFileSync(new URL(name, model)), lfs: name.endsWith("safetensors") }]));
const textsOf = (whom: string) => Buffer.from(Array.from({ length: 60 }, (_, i) => `${JSON.stringify({ text: `${whom}, number ${i}: the state of the union is strong, and we have done ${i} things for it.` })}\n`).join(""));
const card = (...configs: string[]) => ({ bytes: Buffer.from(`---\nconfigs:\n${configs.map((name) => `- config_name: ${name}\n  data_files: ${name}/*.jsonl\n`).join("")}---\n# texts\n`) });
/** A repository whose main branch is at its second commit, and that has no good model there. */
const moving: Record<string, HubRepo & { refs: { main: string } }> = {
  "owner/model": { commits: { [firstCommit]: modelFiles, [secondCommit]: { "config.json": { bytes: Buffer.from("{}") } } }, refs: { v1: firstCommit, main: firstCommit } },
  "owner/texts": {
    type: "dataset",
    commits: {
      [firstCommit]: { "README.md": card("en", "fr"), "en/0.jsonl": { bytes: textsOf("Fellow citizens"), lfs: true }, "fr/0.jsonl": { bytes: textsOf("Citoyens"), lfs: true } },
      [secondCommit]: { "README.md": card("en"), "en/0.jsonl": { bytes: textsOf("Others"), lfs: true } },
    },
    refs: { v1: firstCommit, main: firstCommit },
  },
};

let folder: string;
let server: HubServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "train-hub-"));
  server = await startHubServer({
    "EleutherAI/pythia-70m-deduped": { commits: { [firstCommit]: modelFiles }, refs: { main: firstCommit } },
    "monology/pile-uncopyrighted": { type: "dataset", commits: { [firstCommit]: { "README.md": { bytes: Buffer.from("# texts\n") }, "train/00.jsonl": { bytes: textsOf("Fellow citizens"), lfs: true } } }, refs: { main: firstCommit } },
    ...moving,
  });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const small = ["--device", "cpu", "--context-length", "16", "--sae-batch-size", "128", "--num-tokens", "768", "--features", "64", "--save-every", "1"];

/** @param options.patience seconds for the first answer: a busy machine must not be taken for one without a network, which would mean the demo */
function start(args: readonly string[], { home = "home", endpoint = server.url, patience = 60 } = {}) {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(INIT_CWD|HF_|.*_proxy$)/i.test(name)));
  const child = spawn(process.execPath, [app, ...args], { cwd: folder, env: { ...inherited, HF_ENDPOINT: endpoint, HF_HOME: join(folder, home), HF_HUB_ETAG_TIMEOUT: String(patience) } });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  return new Promise<{ code: number | NodeJS.Signals | null; stderr: string }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code: code ?? signal, stderr }));
  });
}

test("with nothing named, model and texts come from the Hub, streamed", async () => {
  const { code, stderr } = await start(small);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("demo")]);
  const { trainer } = JSON.parse(readFileSync(join(folder, "sae_results/resid_post_layer_3/trainer_0/config.json"), "utf8"));
  expect(trainer).toMatchObject({ lm_name: "EleutherAI/pythia-70m-deduped", steps: 6 });
});

const ae = (name: string) => readFileSync(join(folder, name, "resid_post_layer_3/trainer_0/ae.pt")).toString("base64");

/** A run of 6 steps as a process leaves it that is killed before it points at the last. */
function cut(name: string): void {
  rmSync(join(folder, name, "state/step-6"), { recursive: true });
  rmSync(join(folder, name, "resid_post_layer_3/trainer_0/ae.pt"));
  writeFileSync(join(folder, name, "state/latest"), "step-5\n");
}

test("a run on streamed texts goes on where it was: the same bytes as one that was not cut", async () => {
  await start([...small, "--save-dir", "whole"]);
  expect((await start([...small, "--save-dir", "cut"])).code).toBe(0);
  expect(readdirSync(join(folder, "cut/state")).sort()).toEqual(["latest", "step-5", "step-6"]);
  cut("cut");
  expect(await start(["--resume", "cut"])).toMatchObject({ code: 0 });
  expect(ae("cut")).toBe(ae("whole"));
});

const named = ["--model-name", "owner/model", "--dataset-name", "owner/texts"];

test("a run whose branches move on meanwhile goes on at the commits that it began with", async () => {
  const texts = ["--data-config", "en"];
  expect(await start([...small, ...named, ...texts, "--save-dir", "still"])).toMatchObject({ code: 0 });
  expect(await start([...small, ...named, ...texts, "--save-dir", "moved"])).toMatchObject({ code: 0 });
  cut("moved");
  for (const { refs } of Object.values(moving)) refs.main = secondCommit;
  try {
    expect(await start(["--resume", "moved"], { home: "another" })).toMatchObject({ code: 0 });
    expect((await start([...small, ...named, ...texts, "--save-dir", "new"], { home: "another" })).code).toBe(1);
  } finally {
    for (const { refs } of Object.values(moving)) refs.main = firstCommit;
  }
  expect(ae("moved")).toBe(ae("still"));
});

test("revisions and a configuration are told apart, recorded, and what a run does not resume with others of", async () => {
  expect((await start([...small, ...named])).stderr).toMatch(/owner\/texts.*en, fr/); // which one?
  const at = ["--revision", "v1", "--data-revision", "v1", "--data-config", "fr"];
  const { code, stderr } = await start([...small, ...named, ...at, "--save-dir", "fr"]);
  expect([code, stderr]).toEqual([0, expect.stringMatching(/sparse-rep --model owner\/model --revision v1 --site/)]);
  expect(await start(["--resume", "fr", ...at])).toMatchObject({ code: 0 });
  expect(await start(["--resume", "fr", "--revision", "main", "--data-config", "en"])).toMatchObject({ code: 1, stderr: expect.stringMatching(/^fr: expected the run's own parameters: revision "v1", got "main"; data_config "fr", got "en" — /) });
});

test("texts stay on disk with --cache-data, and else do not", async () => {
  const kept = () => existsSync(join(folder, "fresh/hub/datasets--owner--texts/snapshots", firstCommit, "en/0.jsonl"));
  const args = [...small, ...named, "--data-config", "en"];
  expect(await start([...args, "--save-dir", "streamed"], { home: "fresh" })).toMatchObject({ code: 0 });
  expect(kept()).toBe(false);
  expect(await start([...args, "--save-dir", "kept", "--cache-data"], { home: "fresh" })).toMatchObject({ code: 0 });
  expect(kept()).toBe(true);
  expect(ae("kept")).toBe(ae("streamed"));
});

test.each(["http://127.0.0.1:9", "silent"])("a run goes on with its own model and texts or not at all, never with the demo: %s", async (endpoint) => {
  if (!existsSync(join(folder, "unnamed"))) expect(await start([...small, "--save-dir", "unnamed"])).toMatchObject({ code: 0 });
  const before = readFileSync(join(folder, "unnamed/state/latest"), "utf8");
  if (endpoint === "silent") server.faults.push({ hang: "headers" });
  const { code, stderr } = await start(["--resume", "unnamed"], { home: `empty-${endpoint.length}`, ...(endpoint === "silent" ? { patience: 2 } : { endpoint }) }).finally(() => server.faults.splice(0));
  expect([code, stderr]).toEqual([1, expect.stringMatching(/EleutherAI\/pythia-70m-deduped/)]);
  expect(stderr).not.toContain("bundled demo");
  expect(readdirSync(join(folder, "unnamed"))).not.toContain("demo");
  expect(readFileSync(join(folder, "unnamed/state/latest"), "utf8")).toBe(before);
});
