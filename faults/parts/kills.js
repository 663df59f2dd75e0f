import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { startApp } from "../harness/app.js";
import { expectReadable, expectState, filesIn } from "../harness/readable.js";
import { tinyRuns } from "../harness/tinyRuns.js";

const shape = { steps: 16, saveEvery: 2 };
const signals = ["SIGKILL", "SIGKILL", "SIGTERM", "SIGINT"];

/**
 * Runs of `train` that are killed one to four times: by a signal at any moment, or at any operation on the disk, before it or halfway
 * through it. After each kill all that there is can be read; in the end all files are those of a run that nobody killed.
 */
export const kills = {
  name: "kills",
  promise: 1,
  minutes: 3.5,
  cases: 90,
  few: 2,
  lanes: 2,
  async open({ folder }) {
    const undisturbed = {};
    for (const [name, args] of Object.entries(tinyRuns)) undisturbed[name] = await wholeRun(join(folder, name), args(shape));
    return {
      async one(n, random) {
        const name = random.pick(Object.keys(tinyRuns));
        const whole = undisturbed[name];
        const cwd = join(folder, `case-${n}`);
        await mkdir(cwd);
        let survived = 0;
        for (let left = 1 + random.below(4); left > 0; left--) {
          const args = (await expectState(join(cwd, "out"))) === undefined ? tinyRuns[name](shape) : ["--resume", "out"];
          if (await killed(args, { cwd, whole, random })) survived++;
          await expectReadable(cwd);
        }
        for (;;) {
          const step = await expectState(join(cwd, "out"));
          const { code, signal, stderr } = await startApp("train", step === undefined ? tinyRuns[name](shape) : ["--resume", "out"], { cwd }).ended;
          assert.deepEqual({ code, signal }, { code: 0, signal: null }, stderr);
          break;
        }
        await expectSame(cwd, whole);
        return { "kills survived": survived };
      },
    };
  },
};

/** What a run leaves that nobody kills, how long it takes, and how often it changes something on the disk. */
async function wholeRun(cwd, args) {
  await mkdir(cwd);
  const log = `${cwd}.log`;
  const { code, ms, stderr } = await startApp("train", args, { cwd, plan: { under: cwd, log } }).ended;
  assert.equal(code, 0, stderr);
  return { cwd, ms, operations: (await readFile(log, "utf8")).split("\n").length - 1 };
}

/** Starts a run and kills it. @returns whether it was still there to be killed */
async function killed(args, { cwd, whole, random }) {
  if (random.below(2) === 0) {
    const { signal } = await startApp("train", args, { cwd, plan: { under: cwd, at: random.below(whole.operations), what: random.pick(["kill", "tear"]) } }).ended;
    return signal === "SIGKILL";
  }
  const { child, ended } = startApp("train", args, { cwd });
  const signal = random.pick(signals);
  const timer = setTimeout(() => child.kill(signal), random.next() * whole.ms);
  const end = await ended;
  clearTimeout(timer);
  const asked = { SIGKILL: null, SIGTERM: 143, SIGINT: 130 }[signal];
  if (end.signal === signal || end.code === asked) return true;
  assert.equal(end.code, 0, end.stderr);
  return false;
}

/** The same files as another folder, and in them the same, but for times. */
export async function expectSame(cwd, { cwd: other }) {
  assert.deepEqual(await filesIn(cwd), await filesIn(other));
  for (const path of await filesIn(other)) {
    const [ours, theirs] = await Promise.all([cwd, other].map((folder) => readFile(join(folder, path))));
    if (path.endsWith(".html")) continue; // it shows times, and where it lies
    if (path.endsWith("metrics.jsonl") || path.endsWith("state.json")) assert.equal(untimed(ours), untimed(theirs), path);
    else assert.ok(ours.equals(theirs), `${path}: expected the bytes of the undisturbed run, got others`);
  }
}

const untimed = (bytes) => bytes.toString().replace(/"tokens_per_second":\d+/g, "").replace(/"activations": ".*"/, "");
