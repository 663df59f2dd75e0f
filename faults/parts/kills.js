import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { startApp } from "../harness/app.js";
import { expectSame } from "../harness/expectSame.js";
import { expectReadable, expectState } from "../harness/readable.js";
import { tinyRuns } from "../harness/tinyRuns.js";

const shape = { steps: 12, saveEvery: 2 };
const names = ["streamed", "streamed", "kept", "kept", "several"]; // the last takes twice as long
const signals = ["SIGKILL", "SIGKILL", "SIGTERM", "SIGINT"];

/**
 * Runs of `train` that are killed two to five times: by a signal at any moment, or at any operation on the disk, before it or halfway
 * through it. After each kill all that there is can be read; in the end all files are those of a run that nobody killed.
 */
export const kills = {
  name: "kills",
  promise: 1,
  minutes: 2.6,
  few: 1,
  lanes: 2,
  async open({ folder }) {
    const undisturbed = {};
    return {
      cases: 75,
      async one(n, random) {
        const name = random.pick(names);
        const whole = await (undisturbed[name] ??= wholeRun(join(folder, name), tinyRuns[name](shape)));
        const cwd = join(folder, `case-${n}`);
        await mkdir(cwd);
        const next = async () => {
          const step = await expectState(join(cwd, "out"));
          return { args: step === undefined ? tinyRuns[name](shape) : ["--resume", "out"], left: 1 - (step ?? 0) / shape.steps };
        };
        let survived = 0;
        for (let times = 2 + random.below(4); times > 0; times--) {
          if (await killed(await next(), { cwd, whole, random })) survived++;
          await expectReadable(cwd, { torn: true });
        }
        const { code, signal, stderr } = await startApp("train", (await next()).args, { cwd }).ended;
        assert.deepEqual({ code, signal }, { code: 0, signal: null }, stderr);
        await expectSame(cwd, whole.cwd);
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

/**
 * Starts a run and kills it.
 * @param next.left the share of its steps that it has before it
 * @returns whether it was still there to be killed
 */
async function killed({ args, left }, { cwd, whole, random }) {
  if (random.below(2) === 0) {
    const { signal } = await startApp("train", args, { cwd, plan: { under: cwd, at: random.below(Math.ceil(whole.operations * (0.1 + 0.9 * left))), what: random.pick(["kill", "tear"]) } }).ended;
    return signal === "SIGKILL";
  }
  const { child, ended } = startApp("train", args, { cwd });
  const signal = random.pick(signals);
  const timer = setTimeout(() => child.kill(signal), random.next() * whole.ms * (0.3 + 0.7 * left));
  const end = await ended;
  clearTimeout(timer);
  const asked = { SIGKILL: null, SIGTERM: 143, SIGINT: 130 }[signal];
  if (end.signal === signal || end.code === asked) return true;
  assert.equal(end.code, 0, end.stderr);
  return false;
}
