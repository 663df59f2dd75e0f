import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandProcess } from "@dictlearn/testing";
import { afterAll, expect, test } from "vitest";

const kept = new CommandProcess(new URL("../dist/command.js", import.meta.url), new URL(import.meta.resolve("@dictlearn/command")));
const temporary = mkdtempSync(join(tmpdir(), "train-two-"));
const children = new Set<ReturnType<typeof spawn>>();
afterAll(() => {
  kept.close();
  for (const child of children) child.kill("SIGKILL");
  rmSync(temporary, { recursive: true, force: true });
});

const env = { ...(Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(INIT_CWD|HF_|.*_proxy$)/i.test(name))) as Record<string, string>), HF_ENDPOINT: "http://127.0.0.1:9", HF_HOME: join(temporary, "hf") };
const long = ["--model-name", "demo", "--dataset-name", "demo", "--device", "cpu", "--engine", "wasm", "--rows", "packed", "--layer", "0", "--context-length", "16", "--sae-batch-size", "64", "--features", "24", "--trainer", "topk:k=4", "--num-tokens", "64000", "--save-every", "2", "--save-dir", "out"];
const run = (cwd: string, ...args: string[]) => kept.run({ args, cwd, env });

/** Another process with a run that takes long; it has saved something. */
async function begun(cwd: string) {
  const child = spawn(process.execPath, [fileURLToPath(new URL("../dist/main.cjs", import.meta.url)), ...long], { cwd, env });
  children.add(child);
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const ended = new Promise<{ code: number | null; signal: string | null; stderr: string }>((resolve) => child.on("close", (code, signal) => resolve({ code, signal, stderr })));
  while (!existsSync(join(cwd, "out/resid_post_layer_0/trainer_0/checkpoints/ae_2.pt"))) await new Promise((resolve) => setTimeout(resolve, 5));
  return { child, ended };
}

test("a folder has one run at a time, and whoever comes second is told who has it; of a run that was killed it is taken over", async () => {
  const cwd = mkdtempSync(join(temporary, "here-"));
  const { child, ended } = await begun(cwd);
  const refused = { code: 1, stdout: "", stderr: expect.stringMatching(new RegExp(`^out: expected a folder that no other process writes to, got process ${child.pid} on ${hostname()} at it since \\S+Z — wait for it, end it, or give another folder\n$`)) };
  expect(await run(cwd, ...long)).toEqual(refused);
  expect(await run(cwd, "--resume", "out")).toEqual(refused);
  expect(readdirSync(join(cwd, "out"))).not.toContain("earlier-1");
  child.kill("SIGKILL");
  await ended;
  const wrong = await run(cwd, "--resume", "out", "--sae-batch-size", "128"); // ends before it trains
  expect(wrong.stderr).toMatch(new RegExp(`^out: process ${child.pid} on \\S+ was at it since \\S+ and is gone; going on\nout: expected the run's own parameters`));
  expect(existsSync(join(cwd, "out/.lock"))).toBe(false);
});

test("SIGTERM, as a scheduler sends it, saves as Ctrl-C does", async () => {
  const cwd = mkdtempSync(join(temporary, "here-"));
  const { child, ended } = await begun(cwd);
  child.kill("SIGTERM");
  const { code, stderr } = await ended;
  expect([code, stderr]).toEqual([143, expect.stringMatching(/^train: stopped after step \d+ of 1000; --resume out goes on there$/m)]);
  const step = /after step (\d+)/.exec(stderr)![1];
  expect(readFileSync(join(cwd, "out/state/latest"), "utf8")).toMatch(new RegExp(`^step-${step}(-again)?\n$`));
  expect(existsSync(join(cwd, "out/.lock"))).toBe(false);
});
