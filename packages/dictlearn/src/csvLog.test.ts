import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { csvLog } from "./csvLog.js";
import { RunDirectory, type Trainee } from "./index.js";

let path: string;
beforeEach(() => void (path = mkdtempSync(join(tmpdir(), "csv-log-"))));
afterEach(() => rmSync(path, { recursive: true, force: true }));

const trainee = { site: "layers.1.mlp_out", index: 0 } as Trainee;
const csv = () => readFileSync(join(path, "mlp_out_layer_1/trainer_0/metrics.csv"), "utf8");

async function session(step: number, lines: readonly Record<string, number>[]): Promise<void> {
  const directory = new RunDirectory(path);
  await directory.cutMetrics(trainee, step);
  const log = csvLog(directory);
  await log.begin(trainee, step);
  for (const line of lines) {
    await directory.appendMetrics(trainee, line);
    await log.append(trainee, line);
  }
}
const line = (step: number, more = {}) => ({ step, loss: 1 / step, ...more });

test("a line a log, all digits; a column that comes later is empty before", async () => {
  await session(0, [line(1), line(3)]);
  expect(csv()).toBe(`step,loss\n1,1\n3,${1 / 3}\n`);
  await session(3, [line(4, { "dead, now": 2 }), line(5)]);
  expect(csv()).toBe(`step,loss,"dead, now"\n1,1,\n3,${1 / 3},\n4,0.25,2\n5,0.2,\n`);
});

test("a run that goes on is as one that was not stopped, also if it had no such file before", async () => {
  await session(0, [line(1), line(2), line(4, { loss: 9 })]);
  rmSync(join(path, "mlp_out_layer_1/trainer_0/metrics.csv"));
  await session(2, [line(4), line(8)]);
  expect(csv()).toBe("step,loss\n1,1\n2,0.5\n4,0.25\n8,0.125\n");
});

test("a run that says nothing leaves no file", async () => {
  await session(0, []);
  expect(existsSync(join(path, "mlp_out_layer_1"))).toBe(false);
});
