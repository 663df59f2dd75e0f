import assert from "node:assert/strict";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { CommandProcess } from "@dictlearn/testing";
import { disk, environment } from "../harness/app.js";
import { expectSame } from "../harness/expectSame.js";
import { expectReadable, expectState } from "../harness/readable.js";
import { tinyRuns } from "../harness/tinyRuns.js";

const shape = { steps: 4, saveEvery: 2 };
const codes = ["EIO", "ENOSPC", "EACCES"];
const apps = { train: new URL("../../apps/train/dist/command.js", import.meta.url), "sparse-rep": new URL("../../apps/sparse-rep/dist/command.js", import.meta.url) };
const commands = {
  streamed: { app: "train", args: tinyRuns.streamed(shape) },
  kept: { app: "train", args: tinyRuns.kept(shape) },
  sentences: { app: "sparse-rep", args: ["--model", "demo", "--dictionary", "demo", "--device", "cpu", "--threads", "1", "--format", "csv", "--out", "out.csv"] },
};

/**
 * Every single operation of runs of `train` and `sparse-rep` that changes something on the disk fails, one a case: the run ends with one line and exit
 * code 1, or goes on and says what it could not write; all that there is can be read; and when it is gone on with, all files are those of
 * a run on a good disk. Many runs in one process, so what is left open or held is found too.
 */
export const writes = {
  name: "writes",
  promise: 1,
  minutes: 1.3,
  few: 6,
  lanes: 2,
  async open({ folder }) {
    const cli = new URL(import.meta.resolve("@dictlearn/command"));
    const kept = Object.fromEntries(Object.entries(apps).map(([app, command]) => [app, Array.from({ length: writes.lanes }, () => new CommandProcess(command, cli, ["--import", disk]))]));
    const run = ({ app, args }, cwd, plan, n = 0) => kept[app][n % writes.lanes].run({ args, cwd, env: environment({ ...(plan && { FAULTS_DISK: JSON.stringify({ under: cwd, ...plan }) }) }) });
    const places = [];
    for (const [name, command] of Object.entries(commands)) {
      const [cwd, log] = [join(folder, name), join(folder, `${name}.log`)];
      await mkdir(cwd);
      const { code, stderr } = await run(command, cwd, { log });
      assert.equal(code, 0, stderr);
      const operations = (await readFile(log, "utf8")).trimEnd().split("\n");
      operations.forEach((operation, at) => places.push({ name, command, whole: cwd, operation, at }));
    }
    return {
      cases: places.length,
      async one(n, random) {
        // Not one after another: where time is up before the end, a sample of all was tried.
        const { name, command, whole, operation, at } = places[(n * 7919) % places.length]; // prime, and no divisor of their number
        const what = random.pick(codes);
        const cwd = join(folder, `case-${n}`);
        await mkdir(cwd);
        try {
          const failed = await run(command, cwd, { at, what }, n);
          const told = `${operation}, ${what}: ${failed.stderr}`;
          assert.ok(failed.code === 0 || failed.code === 1, told);
          if (failed.code === 1) assert.match(failed.stderr.trimEnd().split("\n").at(-1), /^\S+: .*(EIO|ENOSPC|EACCES|i\/o error|no space left|permission denied)/, told);
          await expectReadable(cwd);
          const isBegun = (await expectState(join(cwd, "out"))) !== undefined;
          if (failed.code === 1 && isBegun) assert.match(failed.stderr, /--resume out goes on at step \d+/, told);
          if (failed.code === 1 || !failed.stderr.includes("goes on")) {
            const { code, stderr } = await run(isBegun ? { ...command, args: ["--resume", "out"] } : command, cwd, undefined, n);
            assert.equal(code, 0, `${told}\nthen: ${stderr}`);
          }
          await expectSame(cwd, whole);
        } catch (error) {
          throw new Error(`${name}, operation ${at}, ${operation}: ${what}`, { cause: error });
        } finally {
          await rm(cwd, { recursive: true, force: true });
        }
        return { "write faults survived": 1 };
      },
      close: () => Object.values(kept).flat().forEach((one) => one.close()),
    };
  },
};
