import assert from "node:assert/strict";
import { mkdir, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startApp } from "../harness/app.js";
import { expectSame } from "../harness/expectSame.js";
import { expectReadable, expectState } from "../harness/readable.js";
import { tinyRuns } from "../harness/tinyRuns.js";

const shape = { steps: 16, saveEvery: 2 };
const refused = /^out: expected a folder that no other process writes to, got (process \d+ on \S+ at it since \S+|one that another process is just taking) — /m;

/** Two processes at a time want the same folder, and are killed: one at most gets it, the other says who has it, and the run ends as one that was alone. */
export const locks = {
  name: "locks",
  promise: 4,
  minutes: 0.5,
  few: 1,
  async open({ folder }) {
    const names = ["streamed", "kept"];
    const wholes = {};
    const wholeRun = async (name) => {
      const cwd = join(folder, name);
      await mkdir(cwd);
      const { code, stderr } = await startApp("train", tinyRuns[name](shape), { cwd }).ended;
      assert.equal(code, 0, stderr);
      return cwd;
    };
    return {
      cases: 20,
      async one(n, random) {
        const name = names[n % names.length];
        const whole = await (wholes[name] ??= wholeRun(name));
        const cwd = join(folder, `case-${n}`);
        await mkdir(cwd);
        const counts = { "second runs refused": 0, "locks of killed runs taken over": 0 };
        /** @param killed milliseconds after one of them has the lock; undefined: none is killed */
        const together = async (killed) => {
          const isBegun = (await expectState(join(cwd, "out"))) !== undefined;
          const args = isBegun ? ["--resume", "out"] : tinyRuns[name](shape);
          const runs = [0, 1].map(() => startApp("train", args, { cwd }));
          let isOver = false;
          const ended = Promise.all(runs.map(({ ended }) => ended)).finally(() => (isOver = true));
          if (killed !== undefined) {
            while (!isOver && !existsSync(join(cwd, "out/.lock"))) await sleep(5);
            await Promise.race([sleep(killed), ended]);
            for (const { child } of runs) child.kill("SIGKILL");
          }
          const ends = await ended;
          for (const { code, signal, stderr } of ends) {
            if (signal === "SIGKILL") continue;
            if (/is gone; going on$/m.test(stderr)) counts["locks of killed runs taken over"]++;
            if (code === 1) counts["second runs refused"]++;
            if (code === 1) assert.match(stderr, refused);
            else assert.deepEqual({ code, signal }, { code: 0, signal: null }, stderr);
          }
          await expectReadable(cwd);
          return ends;
        };
        try {
          await together(random.below(1000));
          await together(random.below(1000));
          const ends = await together();
          assert.ok(ends.some(({ code }) => code === 0), ends.map(({ stderr }) => stderr).join("\n"));
          await rm(join(cwd, "out/earlier-1"), { recursive: true, force: true }); // of two that began one after the other
          await expectSame(cwd, whole);
        } finally {
          await rm(cwd, { recursive: true, force: true });
        }
        return counts;
      },
    };
  },
};
