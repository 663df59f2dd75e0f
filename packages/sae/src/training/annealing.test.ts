import { readFileSync } from "node:fs";
import { oracle } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { annealing, powersAt } from "./annealing.js";

test.each([
  ["p_anneal", { annealStart: 20, annealEnd: 55, nSparsityUpdates: 6, pStart: 1, pEnd: 0.5 }],
  ["p_anneal_resample", { annealStart: 20, annealEnd: 35, nSparsityUpdates: "continuous", pStart: 1, pEnd: 0 }],
  ["gated_anneal", { annealStart: 20, annealEnd: 55, nSparsityUpdates: 6, pStart: 1, pEnd: 0.3 }],
  ["gated_anneal_lp", { annealStart: 20, nSparsityUpdates: 5, pStart: 1, pEnd: 0.5 }],
] as const)("p moves on in %s when and where dictionary_learning moves it, to the bit", (run, options) => {
  const { derived, per_step: log } = JSON.parse(readFileSync(oracle(`trainers/${run}.json`), "utf8"));
  const anneal = annealing("test", 60, options);
  expect(anneal).toMatchObject({ updateSteps: derived.sparsity_update_steps, values: derived.p_values });
  // it logs p as it is after a step
  const after = log["log/p"].map((_: number, step: number) => powersAt(anneal, step + 1));
  expect(after.map(({ p }: { p: number }) => p)).toEqual(log["log/p"]);
  expect(after.map(({ nextP }: { nextP: number }) => nextP)).toEqual(log["log/next_p"]);
});

test("float32 as torch.linspace rounds it: products fused with their sums, from both ends", () => {
  // torch.linspace(1, 0.5, 56)[18:25], torch 2.15
  const expected = [0.8363636136054993, 0.8272727131843567, 0.8181818127632141, 0.8090909123420715, 0.800000011920929, 0.7909091114997864, 0.7818182110786438];
  const { values } = annealing("test", 1000, { annealStart: 0, annealEnd: 990, nSparsityUpdates: 56, pStart: 1, pEnd: 0.5 });
  expect(values.slice(18, 25)).toEqual(expected);
});

test.each([
  [{ annealStart: 600 }, "test: expected annealStart to be a whole number < annealEnd = 500, got 600"],
  [{ annealEnd: 501 }, "test: expected annealEnd to be a whole number <= steps = 500, got 501"],
  [{ nSparsityUpdates: 1 }, 'test: expected nSparsityUpdates from 2 to annealEnd - annealStart + 1 = 251, or "continuous", got 1'],
  [{ annealStart: 495 }, 'test: expected nSparsityUpdates from 2 to annealEnd - annealStart + 1 = 6, or "continuous", got 10'],
])("%j is refused for 500 steps", (options, message) => {
  expect(() => annealing("test", 500, { pStart: 1, pEnd: 0, nSparsityUpdates: 10, ...options })).toThrow(expect.objectContaining({ code: "USAGE", message }));
});
