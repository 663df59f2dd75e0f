import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineOp, type Host } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { acrossLanes, eachRow, grid } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";

const ROWS = 4;

// From dense pre-activations to sparse entries in three ops, row tile by row tile, with no readback between them:
// count each row's active entries, run the offsets on, write the entries to their places.

/**
 * Which entries are kept. Without a rule those > 0. With one those of v - threshold[f] > -margin and, if `positive`, also
 * v > 0. A NaN is always kept: it must not vanish as if the feature were off.
 */
export interface Rule {
  /** f32[F], or f32[1] for all */
  threshold: Tensor;
  margin?: number;
  positive?: boolean;
}
export interface RuleParams {
  margin: number;
  positive: boolean;
}
export const paramsOf = (rule?: Rule): RuleParams => ({ margin: rule?.margin ?? 0, positive: !rule || (rule.positive ?? false) });

export const isActive = (v: number, threshold: number | undefined, { margin, positive }: RuleParams): boolean => !(positive && v <= 0) && !(threshold !== undefined && v - threshold <= -margin);
const isActiveAt = (x: Host, threshold: Host | undefined, i: number, params: RuleParams): boolean => isActive(x.data[i], threshold?.data[threshold.data.length === 1 ? 0 : i % x.shape[1]], params);
/** The same in WGSL, on bits: 1 to 0x7fffffff are positive numbers, infinity and NaN; NaN may have a sign. */
const wgslActive = (threshold: Tensor | undefined, { positive }: RuleParams): string => `
fn above(v: u32) -> bool { return v - 1u < 0x7fffffffu || v > 0xff800000u; }
fn isActive(v: u32, f: u32) -> bool {
  return ${[positive && "above(v)", threshold && `above(bitcast<u32>(bitcast<f32>(v) - threshold[${threshold.size === 1 ? "0" : "f"}] + p.margin))`].filter(Boolean).join(" && ")};
}`;
const wasmArgs = (threshold: Tensor | undefined, { margin, positive }: RuleParams): number[] => [threshold ? address(threshold) : 0, threshold && threshold.size > 1 ? 1 : 0, f32Bits(margin), positive ? 1 : 0];

function expectThreshold(op: string, x: Tensor, threshold?: Tensor): void {
  if (threshold && threshold.size !== 1) expectShape(op, "threshold", threshold, ["f32"], [x.shape[1]], `x is ${describe(x)}`);
}

const countOp = defineOp<{ x: Float32Array; threshold?: Float32Array }, { counts: Uint32Array }, RuleParams>({
  name: "countActive",
  outputs({ x, threshold }) {
    expectShape("countActive", "x", x, ["f32"], ["R", "F"]);
    expectThreshold("countActive", x, threshold);
    return { counts: { dtype: "u32", shape: [x.shape[0]] } };
  },
  reference({ x, threshold }, { counts }, params) {
    const [R, F] = x.shape as [number, number];
    for (let r = 0; r < R; r++) {
      counts.data[r] = 0;
      for (let f = 0; f < F; f++) if (isActiveAt(x, threshold, r * F + f, params)) counts.data[r]++;
    }
  },
  wasm: ({ x, threshold }, { counts }, params) => ({ kernel: "countActive", args: [address(x), address(counts), x.shape[0], x.shape[1], ...wasmArgs(threshold, params)], tasks: Math.ceil(x.shape[0] / ROWS) }),
  wgsl: ({ x, threshold }, { counts }, params) =>
    rowTiles(x).map(({ binding, first, end }) => ({
      code: eachRow(
        `
  var count = 0u;
  for (var f = lane; f < p.F; f += 64u) { count += u32(isActive(x[row * p.F + f], f)); }
  counts[p.first + row] = total(lane, count);`,
        wgslActive(threshold, params) + acrossLanes("total", "a + b", "u32"),
      ),
      read: { x: { ...binding, as: "u32" }, ...(threshold && { threshold }) },
      write: { counts },
      u32: { rows: end - first, first, F: x.shape[1] },
      f32: { margin: params.margin },
      workgroups: grid(end - first),
    })),
});

const scanOp = defineOp<{ rowStart: Uint32Array; counts: Uint32Array }, object, { at: number }>({
  name: "scanInto",
  writes: ["rowStart"],
  outputs({ rowStart, counts }, { at }) {
    expectShape("scanInto", "rowStart", rowStart, ["u32"], ["B+1"]);
    expectShape("scanInto", "counts", counts, ["u32"], ["R"]);
    if (!(at >= 0 && at + counts.size < rowStart.size)) throw new ShapeError(`scanInto: expected rows ${at} to ${at + counts.size} inside ${rowStart.size - 1} (rowStart is ${describe(rowStart)})`);
    return {};
  },
  reference({ rowStart, counts }, _, { at }) {
    for (let r = 0; r < counts.data.length; r++) rowStart.data[at + r + 1] = rowStart.data[at + r] + counts.data[r];
  },
  wasm: ({ rowStart, counts }, _, { at }) => ({ kernel: "scanInto", args: [address(rowStart) + 4 * at, address(counts), counts.size], tasks: 1 }),
  // one workgroup: each thread adds up a run of counts, then every thread the runs before its own
  wgsl: ({ rowStart, counts }, _, { at }) => ({
    code: `
var<workgroup> sums: array<u32, 256>;
@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
  let run = (p.R + 255u) / 256u;
  let begin = min(lane * run, p.R);
  let end = min(begin + run, p.R);
  var sum = 0u;
  for (var r = begin; r < end; r++) { sum += counts[r]; }
  sums[lane] = sum;
  workgroupBarrier();
  var place = rowStart[p.at];
  for (var i = 0u; i < lane; i++) { place += sums[i]; }
  for (var r = begin; r < end; r++) {
    place += counts[r];
    rowStart[p.at + r + 1u] = place;
  }
}`,
    read: { counts },
    write: { rowStart },
    u32: { R: counts.size, at },
    workgroups: [counts.size === 0 ? 0 : 1],
  }),
});

const compactOp = defineOp<{ index: Uint32Array; values: Float32Array; x: Float32Array; rowStart: Uint32Array; threshold?: Float32Array }, object, RuleParams & { at: number }>({
  name: "compactInto",
  writes: ["index", "values"],
  outputs({ index, values, x, rowStart, threshold }, { at }) {
    expectShape("compactInto", "index", index, ["u32"], ["capacity"]);
    expectShape("compactInto", "values", values, ["f32"], index.shape, `index is ${describe(index)}`);
    expectShape("compactInto", "x", x, ["f32"], ["R", "F"]);
    expectThreshold("compactInto", x, threshold);
    expectShape("compactInto", "rowStart", rowStart, ["u32"], ["B+1"]);
    if (!(at >= 0 && at + x.shape[0] < rowStart.size)) throw new ShapeError(`compactInto: expected rows ${at} to ${at + x.shape[0]} inside ${rowStart.size - 1} (rowStart is ${describe(rowStart)})`);
    return {};
  },
  reference({ index, values, x, rowStart, threshold }, _, params) {
    const [R, F] = x.shape as [number, number];
    for (let r = 0; r < R; r++) {
      let e = rowStart.data[params.at + r];
      for (let f = 0; f < F; f++)
        if (isActiveAt(x, threshold, r * F + f, params)) {
          index.data[e] = f;
          values.data[e++] = x.data[r * F + f];
        }
    }
  },
  wasm: ({ index, values, x, rowStart, threshold }, _, params) => ({
    kernel: "compactInto",
    args: [address(index), address(values), address(x), address(rowStart) + 4 * params.at, x.shape[0], x.shape[1], index.size, ...wasmArgs(threshold, params)],
    tasks: Math.ceil(x.shape[0] / ROWS),
  }),
  // a workgroup a row, 1,024 columns at a time: each thread counts 16 neighbours, the counts are added up, each writes its own
  wgsl: ({ index, values, x, rowStart, threshold }, _, params) =>
    rowTiles(x).map(({ binding, first, end }) => ({
      code: eachRow(
        `
  let start = row * p.F;
  var place = rowStart[p.at + row];
  for (var c = 0u; c < p.F; c += 1024u) {
    let begin = min(c + lane * 16u, p.F);
    let end = min(begin + 16u, p.F);
    var mine = 0u;
    for (var f = begin; f < end; f++) { mine += u32(isActive(x[start + f], f)); }
    workgroupBarrier();
    counts[lane] = mine;
    workgroupBarrier();
    var e = place;
    for (var i = 0u; i < 64u; i++) {
      if (i < lane) { e += counts[i]; }
      place += counts[i];
    }
    for (var f = begin; f < end && mine > 0u; f++) {
      if (isActive(x[start + f], f)) {
        if (e < p.capacity) { columns[e] = f; values[e] = x[start + f]; }
        e++;
      }
    }
  }`,
        `${wgslActive(threshold, params)}\nvar<workgroup> counts: array<u32, 64>;`,
      ),
      read: { x: { ...binding, as: "u32" }, rowStart, ...(threshold && { threshold }) },
      write: { columns: index, values: { tensor: values, as: "u32" } },
      u32: { rows: end - first, at: params.at + first, F: x.shape[1], capacity: index.size },
      f32: { margin: params.margin },
      workgroups: grid(end - first),
    })),
});

/** How many entries of each row are active: > 0, or as the rule says. @param x f32[R,F] @returns u32[R] */
export const countActive = (x: Tensor, rule?: Rule): Tensor => countOp({ x, threshold: rule?.threshold }, paramsOf(rule)).counts;

/**
 * Runs offsets on: rowStart[at+1+r] = rowStart[at] + counts[0] + ... + counts[r].
 * @param rowStart u32[B+1], changed in place; rowStart[at] is there already
 * @param counts u32[R]
 */
export const scanInto = (rowStart: Tensor, counts: Tensor, options: { at: number }): void => void scanOp({ rowStart, counts }, options);

/**
 * Writes the active entries of x, in order of their columns, from place rowStart[at+r] on.
 * @param index u32[capacity], values f32[capacity]: changed in place; what would lie past them is not written
 * @param x f32[R,F]
 * @param rowStart u32[B+1]
 */
export const compactInto = (index: Tensor, values: Tensor, x: Tensor, rowStart: Tensor, options: { at: number }, rule?: Rule): void =>
  void compactOp({ index, values, x, rowStart, threshold: rule?.threshold }, { ...options, ...paramsOf(rule) });
