import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { add, linear } from "@dictlearn/kernels";
import { devices, seededNormal } from "@dictlearn/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "bench-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Row {
  shape: Record<string, number>;
  sides: Record<string, { seconds: { median: number }; peakMiB: number; facts: Record<string, number> & { marks?: { tokens: number; residentMiB: number }[] } }>;
  ratios?: Record<string, unknown>;
  profile?: { seconds: number; outside: number; ops: { op: string; seconds: number; gflop: number; megabytes: number }[] };
}

/** Our sides of cases at small shapes. Every case checks its own results: features a row, activations, tokens. */
const quick = (...args: string[]) => promisify(execFile)(process.execPath, [here("run.js"), "--quick", "--rounds", "1", "--device", "cpu", "--results", folder, "--files", folder, ...args]);
const rowsOf = (name: string): Record<string, Row> => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8"));

beforeAll(() => quick()); // all cases but parity, in one process and one for each side

/** Each row has a time and a peak of memory for each of its sides. */
function expectMeasured(rows: Record<string, Row>): void {
  for (const { sides } of Object.values(rows))
    for (const { seconds, peakMiB } of Object.values(sides)) {
      expect(seconds.median).toBeGreaterThan(0);
      expect(peakMiB).toBeGreaterThan(20); // no Node process has less
    }
}

test("step: every trainer from its state, with a profile whose work follows from the shapes", () => {
  const rows = rowsOf("step");
  expectMeasured(rows);
  expect(Object.keys(rows)).toEqual(["topK F=512", "topK F=2048", "topK F=4096", "batchTopK F=2048", "jumpRelu F=2048 sparse", "gated F=2048 sparse", "standard F=2048 sparse", "standard F=512 dense"]);
  expect(rows["topK F=2048"].sides.wasm.facts.l0).toBe(8);
  expect(rows["standard F=512 dense"].sides.wasm.facts.l0 / 256).toBeCloseTo(1, 1);
  expect(rows["gated F=2048 sparse"].sides.wasm.facts.l0 / 20.48).toBeCloseTo(1, 0);
  const { seconds, outside, ops } = rows["topK F=2048"].profile!;
  expect(ops.reduce((sum, op) => sum + op.seconds, outside) / seconds).toBeCloseTo(1, 2);
  const [B, D, F, k] = [128, 64, 2048, 8];
  const of = (name: string) => ops.find(({ op }) => op === name)!;
  expect((of("screenTopK") ?? of("linearPart")).gflop).toBeCloseTo((2 * B * D * F) / 1e9, 5); // as the engine is
  expect(of("decodeSparse").gflop).toBeCloseTo((2 * 2 * B * k * D) / 1e9, 5); // x̂, and the error's slope
  expect(of("adamInto").megabytes).toBeCloseTo((7 * 4 * (2 * F * D + F + D)) / 1e6, 2);
});

test.each(["kernels", "harvest", "train"])("%s: our side alone, no ratios", (name) => {
  const rows = rowsOf(name);
  expectMeasured(rows);
  for (const { ratios } of Object.values(rows)) expect(ratios).toBeUndefined();
});

test("load: tokens compare with tokens, characters with nothing", () => {
  const { texts } = rowsOf("load");
  expect(Object.keys(texts.sides)).toEqual(["parse", "tokenize", "harvest"]);
  expect(Object.keys(texts.ratios!)).toEqual(["tokenize"]);
});

test("sparse-rep: the whole process on the bundled sentences", () => {
  const { process } = rowsOf("sparse-rep");
  expectMeasured({ process });
  expect(Object.values(process.sides)[0].facts.sentences).toBeGreaterThan(0);
});

test("features: the whole process, and the site that it wrote", () => {
  const { demo } = rowsOf("features");
  expectMeasured({ demo });
  const [{ facts }] = Object.values(demo.sides);
  expect(facts).toMatchObject({ files: 9 }); // the page, the list, the vocabulary, and 1,536 features in files of 256
});

test("scaling: two threads beside one, and a run with its marks", () => {
  const rows = rowsOf("scaling");
  expectMeasured(rows);
  expect(Object.keys(rows["threads step"].ratios!)).toEqual(["2 threads"]);
  expect(rows.tokens.sides.ours.facts.marks!.map(({ tokens }) => tokens)).toEqual([2048, 4096, 8192]);
});

test("parity: without a peer, our own dictionaries are measured", async () => {
  await quick("parity", "--only", "topK");
  const rows = rowsOf("parity") as unknown as Record<string, { runs: { by: string; ours: { l0: number } }[] }>;
  expect(rows.topK.runs.map(({ by, ours }) => [by, Math.round(ours.l0)])).toEqual([["dictlearn", 32]]);
});

test("a row that does not run stays as it was, and --resume leaves out what was measured at this commit", async () => {
  const before = rowsOf("kernels");
  await quick("kernels", "--only", "layerNorm");
  const after = rowsOf("kernels");
  expect(Object.keys(after).length).toBe(Object.keys(before).length);
  const gelu = Object.keys(before).find((id) => id.startsWith("gelu"))!;
  expect(after[gelu]).toEqual(before[gelu]);
  const norm = Object.keys(before).find((id) => id.startsWith("layerNorm"))!;
  expect(after[norm]).not.toEqual(before[norm]);
  await quick("kernels", "--only", "gelu", "--resume");
  expect(rowsOf("kernels")).toEqual(after);
});

describe.each(await devices())("$name", ({ device, skipped }) => {
  test.skipIf(skipped)("a profile finds the machine's peaks, and of each op calls, work and share", async () => {
    const { few, profileOf } = await import(here("harness/roofline.js"));
    const x = device!.tensor(seededNormal(1, 64 * 32), [64, 32]);
    const turn = () => device!.scope(() => void add(linear(x, x), linear(x, x)));
    const { ops, gflopsPerSecond, integerGopsPerSecond, gigabytesPerSecond } = await profileOf(device, turn, {}, few);
    x.dispose();
    expect(gflopsPerSecond).toBeGreaterThan(0);
    expect(integerGopsPerSecond > 0).toBe(device!.kind === "cpu" && device!.exact); // a GPU has no screen, and an engine screens by its products
    expect(gigabytesPerSecond).toBeGreaterThan(0);
    const of = (name: string) => ops.find(({ op }: { op: string }) => op === name);
    expect([of("linear").calls, of("add").calls]).toEqual([2, 1]);
    expect(of("linear").gflop / ((2 * 2 * 64 * 64 * 32) / 1e9)).toBeCloseTo(1, 3); // kept to four digits
    expect(of("linear").megabytes / ((2 * 4 * (2 * 64 * 32 + 64 * 64)) / 1e6)).toBeCloseTo(1, 3);
    expect(of("add").megabytes / ((3 * 4 * 64 * 64) / 1e6)).toBeCloseTo(1, 3);
  });
});

test("an op's work follows from the shapes of its tensors", async () => {
  const { work } = await import(here("harness/roofline.js"));
  const f32 = (...shape: number[]) => ({ dtype: "f32", shape });
  const [B, D, F, K, n] = [6, 8, 32, 3, 18];
  const [x, encoder, bias, index] = [f32(B, D), f32(F, D), f32(F), { dtype: "u32", shape: [n] }];
  const of = (op: string, inputs: object, outputs: object, known = {}) => work({ op, inputs, outputs }, known);
  expect(of("linear", { x, weight: encoder, bias }, { y: f32(B, F) }).flops).toBe(2 * B * D * F);
  for (const [a, b] of [[f32(B, D), f32(D, F)], [f32(D, B), f32(D, F)], [f32(B, D), f32(F, D)]]) expect(of("matmul", { a, b }, { y: f32(B, F) }).flops).toBe(2 * B * D * F);
  expect(of("linearPart", { x, encoder, bias }, { h: f32(B * 16 + 15) }).flops).toBe(2 * B * D * 16);
  expect(of("noteProductsInto", { h: f32(B * 16 + 15), x, bias }, {}).bytes).toBe(4 * (B * 16 + 15));
  // integers beside no floats, the rows that were asked for alone
  expect(of("screenTopK", { x, encoder, bias }, { index })).toMatchObject({ flops: 0, integers: 2 * B * D * F });
  expect(of("screenActive", { x, encoder }, { counts: { dtype: "u32", shape: [2] } })).toMatchObject({ flops: 0, integers: 2 * 2 * D * F });
  expect(of("linearAtByFeature", { entry: index, x, weight: encoder }, { y: f32(n) }).flops).toBe(2 * n * D);
  expect(of("decodeSparse", { index, decoder: encoder }, { y: x }, { active: B * K - 1 }).flops).toBe(2 * (B * K - 1) * D);
  expect(of("adamInto", { parameter: encoder, gradient: encoder, m: encoder, v: encoder }, {}).bytes).toBe(7 * 4 * F * D);
  expect(of("add", { a: x, b: x }, { y: x })).toEqual({ flops: B * D, integers: 0, bytes: 3 * 4 * B * D });
});

test("sides take turns, and rounds that warm up do not count", async () => {
  const { inTurns } = await import(here("harness/turns.js"));
  const calls: string[] = [];
  const turn = (name: string) => () => calls.push(name);
  expect(await inTurns({ a: turn("a"), b: turn("b") }, { rounds: 2, warmup: 1, pauseMs: 0 })).toEqual({ a: [3, 5], b: [4, 6] });
  expect(calls).toEqual(["a", "b", "a", "b", "a", "b"]);
});

test("a median is the middle, quartiles lie between neighbours", async () => {
  const { summary } = await import(here("harness/summary.js"));
  expect(summary([4, 1, 3, 2])).toEqual({ median: 2.5, quartiles: [1.75, 3.25], least: 1 });
  expect(summary([7])).toEqual({ median: 7, quartiles: [7, 7], least: 7 });
});

test("a target that is missed says by how much and what bounds it", async () => {
  const { targetLines } = await import(here("report/targets.js"));
  const profile = { seconds: 2, ops: [{ op: "linear", seconds: 1.5, share: 0.9 }, { op: "add", seconds: 0.1, share: 0.5 }] };
  const side = { peakMiB: 300, facts: {} };
  const result = { label: "a step", targets: { wasm: [4, 5], default: [3, 5], memory: 0.25 }, ratios: { wasm: { wall: { median: 3 }, memory: 0.3 } }, sides: { wasm: side, python: { ...side, peakMiB: 1000 } }, profile, shape: {} };
  expect(targetLines({ step: { a: result } }).map(({ verdict }: { verdict: string }) => verdict)).toEqual([
    "missed by 25%: linear is 75% of the turn, at 90% of what the machine allows; add is 5% of the turn, at 50% of what the machine allows",
    "no native engine here; reached, 40% short of the aim: linear is 75% of the turn, at 90% of what the machine allows; add is 5% of the turn, at 50% of what the machine allows",
    "missed: 50 MiB too many (300 MiB against 1000)",
  ]);
});

test("the tables and plots of docs are those of bench/results", async () => {
  await expect(promisify(execFile)(process.execPath, [here("report/docs.js"), "--check"])).resolves.toMatchObject({ stderr: "" });
});
