import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { firstCommit, startHubServer, type HubFile, type HubServer } from "@dictlearn/testing";
import { afterAll, beforeAll, expect, test } from "vitest";

// The demo's model under the real name, and a data set under the real one, on a Hub on loopback.

const app = fileURLToPath(new URL("../dist/main.js", import.meta.url));
const model = new URL("../../../packages/demo/data/model/", import.meta.url);
const modelFiles: Record<string, HubFile> = Object.fromEntries(readdirSync(model).map((name) => [name, { bytes: readFileSync(new URL(name, model)), lfs: name.endsWith("safetensors") }]));
const texts = Buffer.from(Array.from({ length: 60 }, (_, i) => `${JSON.stringify({ text: `Fellow citizens, number ${i}: the state of the union is strong, and we have done ${i} things for it.` })}\n`).join(""));

let folder: string;
let server: HubServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "train-hub-"));
  server = await startHubServer({
    "EleutherAI/pythia-70m-deduped": { commits: { [firstCommit]: modelFiles }, refs: { main: firstCommit } },
    "monology/pile-uncopyrighted": { type: "dataset", commits: { [firstCommit]: { "README.md": { bytes: Buffer.from("# texts\n") }, "train/00.jsonl": { bytes: texts, lfs: true } } }, refs: { main: firstCommit } },
  });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const small = ["--device", "cpu", "--context-length", "16", "--sae-batch-size", "128", "--num-tokens", "768", "--features", "64", "--save-every", "1"];

function start(args: readonly string[]) {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(INIT_CWD|HF_|.*_proxy$)/i.test(name)));
  const child = spawn(process.execPath, [app, ...args], { cwd: folder, env: { ...inherited, HF_ENDPOINT: server.url, HF_HOME: join(folder, "home") } });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  return new Promise<{ code: number | null; stderr: string }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stderr }));
  });
}

test("with nothing named, model and texts come from the Hub, streamed", async () => {
  const { code, stderr } = await start(small);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("demo")]);
  const { trainer } = JSON.parse(readFileSync(join(folder, "sae_results/resid_post_layer_3/trainer_0/config.json"), "utf8"));
  expect(trainer).toMatchObject({ lm_name: "EleutherAI/pythia-70m-deduped", steps: 6 });
});

test("a run on streamed texts goes on where it was: the same bytes as one that was not cut", async () => {
  await start([...small, "--save-dir", "whole"]);
  expect((await start([...small, "--save-dir", "cut"])).code).toBe(0);
  const ae = (name: string) => readFileSync(join(folder, name, "resid_post_layer_3/trainer_0/ae.pt")).toString("base64");
  const states = readdirSync(join(folder, "cut/state")).sort();
  expect(states).toEqual(["latest", "step-5", "step-6"]);
  rmSync(join(folder, "cut/state/step-6"), { recursive: true }); // as a process leaves it that is killed before it points at step-6
  rmSync(join(folder, "cut/resid_post_layer_3/trainer_0/ae.pt"));
  writeFileSync(join(folder, "cut/state/latest"), "step-5\n");
  expect((await start(["--resume", "cut"])).code).toBe(0);
  expect(ae("cut")).toBe(ae("whole"));
});
