import { address } from "../cpu/wasmCall.js";
import { defineOp, type Spec } from "../defineOp.js";
import type { Device } from "../device.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid, type Dispatch } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";
import { WebGpuDevice } from "../webgpu/webgpuDevice.js";
import type { EncoderInputs } from "./encoder.js";
import { eachTile } from "./tiles.js";
import { wgslKey } from "./topK.js";

/** Elements that one task, or one workgroup, looks through. */
const PART = { cpu: 65_536, webgpu: 4096 };

/** Entries in the order of their rows, then columns. */
export interface Picked<U, F> {
  row: U;
  column: U;
  values: F;
}
interface Params {
  n: number;
  at: number;
}
type Outputs = Picked<Uint32Array, Float32Array> & { bins: Uint32Array; state: Uint32Array; counts: Uint32Array };

/** Parts of the entries so far, then of the new rows: tile by tile where these are more than a binding. */
function partsOf(x: Tensor, before: Tensor) {
  const onGpu = x.device instanceof WebGpuDevice;
  const size = onGpu ? PART.webgpu : PART.cpu;
  const tiles = onGpu ? rowTiles(x) : [{ first: 0, end: x.shape[0], binding: { tensor: x } }];
  const old = Math.ceil(before.size / size);
  let part = old;
  const fresh = tiles.map(({ first, end, binding }) => {
    const parts = Math.ceil(((end - first) * x.shape[1]) / size);
    return { first, elements: (end - first) * x.shape[1], binding, part: (part += parts) - parts, parts };
  });
  return { onGpu, old, fresh, parts: part };
}

const op = defineOp<{ x: Float32Array } & Picked<Uint32Array, Float32Array>, Outputs, Params>({
  name: "topOfBatch",
  outputs({ x, row, column, values }, { n }) {
    expectShape("topOfBatch", "x", x, ["f32"], ["R", "F"]);
    expectShape("topOfBatch", "column", column, ["u32"], row.shape, `row is ${describe(row)}`);
    expectShape("topOfBatch", "values", values, ["f32"], row.shape, `row is ${describe(row)}`);
    const { onGpu, parts } = partsOf(x, values);
    const u32 = (size: number): Spec => ({ dtype: "u32", shape: [size] });
    const kept = Math.min(n, values.size + x.size);
    return { row: u32(kept), column: u32(kept), values: { dtype: "f32", shape: [kept] }, bins: u32(onGpu ? 256 : parts * 2048), state: u32(2), counts: u32(2 * parts) };
  },
  reference({ x, row, column, values }, out, { at }) {
    const F = x.shape[1];
    const relu = (v: number) => (v <= 0 ? 0 : v);
    const all = [...values.data].map((v, i) => ({ v, row: row.data[i], column: column.data[i] }));
    x.data.forEach((v, i) => all.push({ v: relu(v), row: at + Math.floor(i / F), column: i % F }));
    const order = (v: number) => (Number.isNaN(v) ? Infinity : v === Infinity ? Number.MAX_VALUE : v);
    const rank = [...all.keys()].sort((i, j) => (order(all[i].v) === order(all[j].v) ? i - j : order(all[j].v) - order(all[i].v)));
    rank
      .slice(0, out.values.data.length)
      .sort((i, j) => i - j)
      .forEach((from, to) => {
        out.row.data[to] = all[from].row;
        out.column.data[to] = all[from].column;
        out.values.data[to] = all[from].v;
      });
  },
  // digit by digit of 11, 11 and 9 bits: each part counts, one task adds the counts up and picks the digit
  wasm({ x, row, column, values }, out, { at }) {
    const { old, parts } = partsOf(x, values);
    const args = [x, row, column, values, out.row, out.column, out.values, out.bins, out.state, out.counts].map(address);
    const rest = [values.size, x.size, x.shape[1], out.values.size, at, old, parts];
    const call = (kernel: string, tasks: number, digit = 0) => ({ kernel, args: [...args, ...rest, digit], tasks });
    const digits = [0, 1, 2].flatMap((digit) => [call("topOfBatchCount", parts, digit), call("topOfBatchPick", 1, digit)]);
    return out.values.size ? [...digits, call("topOfBatchRanks", parts), call("topOfBatchScan", 1), call("topOfBatchTake", parts)] : [];
  },
  // the same by digits of 8 bits
  wgsl({ x, row, column, values }, out, { at }) {
    const { old, fresh, parts } = partsOf(x, values);
    const kept = out.values.size;
    if (kept === 0) return [];
    const F = x.shape[1];
    /** A pass over the entries so far, and one over each tile of new rows. */
    const sweep = (code: (fresh: boolean) => string, write: Dispatch["write"], read: Dispatch["read"], u32: Record<string, number>): Dispatch[] => [
      { code: code(false), read: { x: { tensor: values, as: "u32" }, ...read, ...(write?.newRow && { oldRow: row, oldColumn: column }) }, write, u32: { ...u32, elements: values.size, first: 0, row: 0, F: 1 }, workgroups: grid(old) },
      ...fresh.map(({ first, elements, binding, part, parts }): Dispatch => ({ code: code(true), read: { x: { ...binding, as: "u32" }, ...read }, write, u32: { ...u32, elements, first: part, row: at + first, F }, workgroups: grid(parts) })),
    ];
    return [
      { code: eachElement("bins[index] = 0u; if (index < 2u) { state[index] = 0u; }"), write: { bins: out.bins, state: out.state }, u32: { n: 256 }, workgroups: [1] },
      ...[24, 16, 8, 0].flatMap((shift) => [
        ...sweep(() => countCode, { bins: { tensor: out.bins, as: "atomic<u32>" } }, { state: out.state }, { shift }),
        { code: pickCode, write: { bins: out.bins, state: out.state }, u32: { kept }, workgroups: [1] as const },
      ]),
      ...sweep(() => rankCode, { counts: out.counts }, { state: out.state }, {}),
      { code: scanCode, write: { counts: out.counts }, u32: { parts }, workgroups: [1] as const },
      ...sweep(takeCode, { newRow: out.row, newColumn: out.column, newValues: { tensor: out.values, as: "u32" } }, { state: out.state, counts: out.counts }, { kept }),
    ];
  },
});

const head = (body: string, declarations = ""): string => `${wgslKey}
${declarations}
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let part = group.y * groups.x + group.x;
  let begin = part * ${PART.webgpu}u;
  if (begin >= p.elements) { return; }
  let end = min(begin + ${PART.webgpu}u, p.elements);
  ${body}
}`;

/**
 * `upTo(lane, mine)`: what the 256 threads of a workgroup hold, added up from the first to this one; held[256] is all of it.
 * Sixteen runs of sixteen, since a barrier costs more than a few sums.
 */
const wgslUpTo = `
var<workgroup> held: array<u32, 257>;
var<workgroup> runs: array<u32, 16>;
fn upTo(lane: u32, mine: u32) -> u32 {
  held[lane] = mine;
  workgroupBarrier();
  if (lane < 16u) {
    var sum = 0u;
    for (var i = 16u * lane; i < 16u * lane + 16u; i++) { sum += held[i]; }
    runs[lane] = sum;
  }
  workgroupBarrier();
  var sum = 0u;
  for (var i = 0u; i < lane / 16u; i++) { sum += runs[i]; }
  for (var i = lane & ~15u; i <= lane; i++) { sum += held[i]; }
  if (lane == 255u) { held[256] = sum; }
  return sum;
}`;

/** How many of the keys that begin with the prefix have each digit. */
const countCode = head(
  `
  atomicStore(&own[lane], 0u);
  workgroupBarrier();
  for (var i = begin + lane; i < end; i += 256u) {
    let key = keyOf(x[i]);
    if (p.shift == 24u || (key >> ((p.shift + 8u) & 31u)) == state[0]) { atomicAdd(&own[(key >> p.shift) & 255u], 1u); }
  }
  workgroupBarrier();
  let mine = atomicLoad(&own[lane]);
  if (mine > 0u) { atomicAdd(&bins[lane], mine); }`,
  "var<workgroup> own: array<atomic<u32>, 256>;",
);

/** state: the prefix, one digit longer, and how many keys are larger than all that begin with it. */
const pickCode = `
${wgslUpTo}
@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
  let digit = 255u - lane; // from the largest down
  let mine = bins[digit];
  let prefix = state[0];
  let more = state[1];
  bins[digit] = 0u;
  storageBarrier();
  let above = upTo(lane, mine) - mine + more;
  if (above < p.kept && above + mine >= p.kept) {
    state[0] = prefix * 256u + digit;
    state[1] = above;
  }
}`;

/** How many keys of each part are larger than the last that is kept, and how many equal it. */
const rankCode = head(
  `
  atomicStore(&both[lane % 2u], 0u);
  workgroupBarrier();
  var larger = 0u;
  var equal = 0u;
  for (var i = begin + lane; i < end; i += 256u) {
    let key = keyOf(x[i]);
    larger += u32(key > state[0]);
    equal += u32(key == state[0]);
  }
  atomicAdd(&both[0], larger);
  atomicAdd(&both[1], equal);
  workgroupBarrier();
  if (lane < 2u) { counts[2u * (p.first + part) + lane] = atomicLoad(&both[lane]); }`,
  "var<workgroup> both: array<atomic<u32>, 2>;",
);

/** Counts of the parts become those of all parts before. */
const scanCode = `
var<workgroup> larger: array<u32, 256>;
var<workgroup> equal: array<u32, 256>;
@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
  let run = (p.parts + 255u) / 256u;
  let begin = min(lane * run, p.parts);
  let end = min(begin + run, p.parts);
  var sum = vec2u();
  for (var i = begin; i < end; i++) { sum += vec2u(counts[2u * i], counts[2u * i + 1u]); }
  larger[lane] = sum.x;
  equal[lane] = sum.y;
  workgroupBarrier();
  var before = vec2u();
  for (var i = 0u; i < lane; i++) { before += vec2u(larger[i], equal[i]); }
  for (var i = begin; i < end; i++) {
    let count = vec2u(counts[2u * i], counts[2u * i + 1u]);
    counts[2u * i] = before.x;
    counts[2u * i + 1u] = before.y;
    before += count;
  }
}`;

/** Those that are kept go to their places: four neighbours a thread, so that the order stays. */
const takeCode = (fresh: boolean): string =>
  head(
    `
  let last = state[0];
  let ties = p.kept - state[1];
  var larger = counts[2u * (p.first + part)];
  var equal = counts[2u * (p.first + part) + 1u];
  for (var c = begin; c < end; c += 1024u) {
    var mine = 0u; // larger ones, and equal ones in the upper half
    for (var i = c + 4u * lane; i < min(c + 4u * lane + 4u, end); i++) {
      let key = keyOf(x[i]);
      mine += select(select(0u, 65536u, key == last), 1u, key > last);
    }
    let before = upTo(lane, mine) - mine;
    let all = workgroupUniformLoad(&held[256]);
    var l = larger + (before & 65535u);
    var e = equal + (before >> 16u);
    for (var i = c + 4u * lane; i < min(c + 4u * lane + 4u, end) && mine > 0u; i++) {
      let key = keyOf(x[i]);
      if (key > last || (key == last && e < ties)) {
        let place = l + min(e, ties);
        newRow[place] = ${fresh ? "p.row + i / p.F" : "oldRow[i]"};
        newColumn[place] = ${fresh ? "i % p.F" : "oldColumn[i]"};
        newValues[place] = select(key, x[i], key == 0x7fffffffu);
      }
      l += u32(key > last);
      e += u32(key == last);
    }
    larger += all & 65535u;
    equal += all >> 16u;
  }`,
    wgslUpTo,
  );

const offsetsOp = defineOp<{ row: Uint32Array }, { rowStart: Uint32Array }, { B: number }>({
  name: "rowOffsets",
  outputs({ row }, { B }) {
    expectShape("rowOffsets", "row", row, ["u32"], ["nnz"]);
    return { rowStart: { dtype: "u32", shape: [B + 1] } };
  },
  reference({ row }, { rowStart }) {
    for (let b = 0; b < rowStart.data.length; b++) rowStart.data[b] = row.data.filter((r) => r < b).length;
  },
  wasm: ({ row }, { rowStart }, { B }) => ({ kernel: "rowOffsets", args: [address(row), address(rowStart), row.size, B], tasks: 1 }),
  wgsl: ({ row }, { rowStart }, { B }) => ({
    code: eachElement(`
  var low = 0u;
  var high = p.nnz;
  while (low < high) {
    let middle = (low + high) / 2u;
    if (rows[middle] < index) { low = middle + 1u; } else { high = middle; }
  }
  rowStart[index] = low;`),
    read: { rows: row },
    write: { rowStart },
    u32: { n: B + 1, nnz: row.size },
    workgroups: grid(Math.ceil((B + 1) / 256)),
  }),
});

/**
 * The n largest of relu(x) and of what was picked from the rows before: all that is needed to find the n largest of a batch
 * tile by tile. Equal ones go to the earlier row, then the lower column; NaN counts as largest.
 * @param x f32[R,F], rows at to at+R
 * @param before the pick of rows 0 to at: u32[m], u32[m], f32[m]
 * @returns the pick of rows 0 to at+R, in their order: min(n, m + R*F) entries, known before it runs
 */
export function topOfBatch(x: Tensor, before: Picked<Tensor, Tensor>, options: Params): Picked<Tensor, Tensor> {
  const { row, column, values, ...scratch } = op({ x, ...before }, options);
  for (const tensor of Object.values(scratch)) tensor.dispose();
  return { row, column, values };
}

/** No entries. */
export const nothing = (device: Device): Picked<Tensor, Tensor> => ({ row: device.empty("u32", [0]), column: device.empty("u32", [0]), values: device.empty("f32", [0]) });

/** The n largest of relu(x encoderᵀ + bias) in the whole batch; [B,F] is never whole in memory. */
export function topOfTiles(inputs: EncoderInputs<Tensor>, n: number): Picked<Tensor, Tensor> {
  let picked = nothing(inputs.x.device);
  eachTile(inputs, (tile, at) => {
    const before = picked;
    picked = topOfBatch(tile, before, { n, at });
    for (const tensor of Object.values(before)) tensor.dispose();
  });
  return picked;
}

/** Where each row's entries begin. @param row u32[nnz], ascending @returns u32[B+1] */
export const rowOffsets = (row: Tensor, options: { B: number }): Tensor => offsetsOp({ row }, options).rowStart;
