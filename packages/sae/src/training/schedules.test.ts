import { readFileSync } from "node:fs";
import { oracle } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { learningRateScale, schedule, sparsityScale } from "./schedules.js";

const recorded = (run: string) => JSON.parse(readFileSync(oracle(`trainers/${run}.json`), "utf8")).per_step as { lr: number[]; sparsity_scale: number[] };

test.each([
  ["standard_decay", { warmupSteps: 10, sparsityWarmupSteps: 15, decayStart: 40 }],
  ["standard", { warmupSteps: 10, sparsityWarmupSteps: 15, resampleSteps: 20 }],
])("the schedules of %s are dictionary_learning's, to the bit", (run, options) => {
  const plan = schedule("test", 60, options);
  const { lr, sparsity_scale } = recorded(run);
  expect(lr.map((_, step) => 0.004 * learningRateScale(plan, step))).toEqual(lr);
  expect(sparsity_scale.map((_, step) => sparsityScale(plan, step))).toEqual(sparsity_scale);
});

test("without a warm-up everything is at its full size from step 0", () => {
  const plan = schedule("test", 60, { warmupSteps: 0, sparsityWarmupSteps: null });
  expect([learningRateScale(plan, 0), sparsityScale(plan, 0)]).toEqual([1, 1]);
  const none = schedule("test", 60, { warmupSteps: 0, sparsityWarmupSteps: 0 });
  expect(sparsityScale(none, 0)).toBe(1);
});

test("past its end a run that decays stands still", () => {
  const plan = schedule("test", 60, { decayStart: 40 });
  expect([59, 60, 61].map((step) => learningRateScale(plan, step))).toEqual([1 / 20, 0, 0]);
});

test("the defaults are dictionary_learning's, and shares of a run that is not longer than they are", () => {
  expect(schedule("test", 4882, {})).toEqual({ steps: 4882, warmupSteps: 1000, sparsityWarmupSteps: 2000, decayStart: null, resampleSteps: null });
  expect(schedule("test", 1500, {})).toMatchObject({ warmupSteps: 1000, sparsityWarmupSteps: 300 });
  expect(schedule("test", 1000, {})).toMatchObject({ warmupSteps: 100, sparsityWarmupSteps: 200 });
  expect(schedule("test", 1, {})).toMatchObject({ warmupSteps: 0, sparsityWarmupSteps: 0 });
});

test.each([
  [0, {}, "test: expected steps to be a whole number > 0, got 0"],
  [2.5, {}, "test: expected steps to be a whole number > 0, got 2.5"],
  [500, { warmupSteps: 500 }, "test: expected warmupSteps to be a whole number < steps = 500, got 500"],
  [500, { warmupSteps: -1 }, "test: expected warmupSteps to be a whole number < steps = 500, got -1"],
  [500, { warmupSteps: Number.NaN }, "test: expected warmupSteps to be a whole number < steps = 500, got NaN"],
  [500, { sparsityWarmupSteps: 2000 }, "test: expected sparsityWarmupSteps to be a whole number < steps = 500, or null, got 2000"],
  [500, { decayStart: 500 }, "test: expected decayStart to be a whole number after the warm-ups (100) and < steps = 500, or null, got 500"],
  [500, { decayStart: 100 }, "test: expected decayStart to be a whole number after the warm-ups (100) and < steps = 500, or null, got 100"],
  [500, { resampleSteps: 0 }, "test: expected resampleSteps to be a whole number > 0, or null, got 0"],
  [500, { resampleSteps: 100, decayStart: 400 }, "test: expected decayStart or resampleSteps, not both, got 400 and 100"],
])("a run of %s steps with %j is refused", (steps, options, message) => {
  expect(() => schedule("test", steps, options)).toThrow(expect.objectContaining({ code: "USAGE", message }));
});
