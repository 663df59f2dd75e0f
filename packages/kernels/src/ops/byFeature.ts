import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid, type Dispatch } from "../webgpu/dispatch.js";
import { WebGpuDevice } from "../webgpu/webgpuDevice.js";

/** The entries of sparse features [B,F] in the order of their features, rows ascending within one. */
export interface FeatureOrder {
  /** u32[F+1]: feature f has places start[f] to start[f+1] */
  readonly start: Tensor;
  /** u32[capacity]: which entry stands at a place */
  readonly entry: Tensor;
  /** u32[capacity]: the row of that entry */
  readonly row: Tensor;
}

/** Rows that one workgroup walks; as many blocks as keep a GPU busy, each with a count for every feature. */
function blocksOf(B: number, F: number, bindingBytes: number): { rows: number; blocks: number } {
  const most = Math.max(1, Math.min(128, Math.floor(bindingBytes / (4 * Math.max(1, F)))));
  const rows = Math.max(1, Math.ceil(B / most));
  return { rows, blocks: Math.ceil(B / rows) };
}

const op = defineOp<{ rowStart: Uint32Array; index: Uint32Array }, { start: Uint32Array; entry: Uint32Array; row: Uint32Array; counts: Uint32Array }, { F: number }>({
  name: "byFeature",
  outputs({ rowStart, index }, { F }) {
    expectShape("byFeature", "rowStart", rowStart, ["u32"], ["B+1"]);
    expectShape("byFeature", "index", index, ["u32"], ["capacity"], `rowStart is ${describe(rowStart)}`);
    const { device } = rowStart;
    const blocks = device instanceof WebGpuDevice ? blocksOf(rowStart.size - 1, F, device.limits.bindingBytes).blocks : 0;
    const u32 = (...shape: number[]) => ({ dtype: "u32" as const, shape });
    return { start: u32(F + 1), entry: u32(index.size), row: u32(index.size), counts: u32(blocks * F) };
  },
  reference({ rowStart, index }, { start, entry, row }, { F }) {
    let place = 0;
    for (let f = 0; f < F; f++) {
      start.data[f] = place;
      for (let b = 0; b + 1 < rowStart.data.length; b++)
        for (let e = rowStart.data[b]; e < rowStart.data[b + 1]; e++)
          if (index.data[e] === f) {
            entry.data[place] = e;
            row.data[place++] = b;
          }
    }
    start.data[F] = place;
  },
  wasm: ({ rowStart, index }, { start, entry, row }, { F }) => ({
    kernel: "byFeature",
    args: [address(rowStart), address(index), address(start), address(entry), address(row), rowStart.size - 1, F, index.size],
    tasks: 1,
  }),
  // A row has a feature once at most, so the threads of a workgroup that walks its rows one after another never meet:
  // a counting sort without atomics, the same every time.
  wgsl({ rowStart, index }, { start, entry, row, counts }, { F }): Dispatch[] {
    const B = rowStart.size - 1;
    const { rows, blocks } = blocksOf(B, F, (rowStart.device as WebGpuDevice).limits.bindingBytes);
    const walk = (before: string, each: string) => `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let own = group.x * p.F;
  ${before}
  let last = min(p.B, (group.x + 1u) * p.rows);
  for (var b = group.x * p.rows; b < last; b++) {
    storageBarrier();
    let end = rowStart[b + 1u];
    for (var e = rowStart[b] + lane; e < end; e += 64u) {
      let f = min(columns[e], p.F - 1u);
      ${each}
    }
  }
}`;
    const u32 = { B, F, rows };
    return [
      { code: walk("for (var f = lane; f < p.F; f += 64u) { counts[own + f] = 0u; }", "counts[own + f] += 1u;"), read: { rowStart, columns: index }, write: { counts }, u32, workgroups: [blocks] },
      {
        code: eachElement(`
  var sum = 0u;
  for (var at = index; at < p.end; at += p.n) {
    let count = counts[at];
    counts[at] = sum;
    sum += count;
  }
  start[index + 1u] = sum;`),
        write: { counts, start },
        u32: { n: F, end: blocks * F },
        workgroups: grid(Math.ceil(F / 256)),
      },
      { code: scanCode, write: { start }, u32: { F }, workgroups: [1] },
      {
        code: walk("", `let place = start[f] + counts[own + f];
      counts[own + f] += 1u;
      order[place] = e;
      rowOf[place] = b;`),
        read: { rowStart, columns: index, start },
        write: { counts, order: entry, rowOf: row },
        u32,
        workgroups: [blocks],
      },
    ];
  },
});

/** Counts that stand one place on become offsets: one workgroup, a run of them a thread. */
const scanCode = `
var<workgroup> sums: array<u32, 256>;
@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) lane: u32) {
  let run = (p.F + 255u) / 256u;
  let begin = min(lane * run, p.F);
  let end = min(begin + run, p.F);
  var sum = 0u;
  for (var f = begin; f < end; f++) { sum += start[f + 1u]; }
  sums[lane] = sum;
  workgroupBarrier();
  var place = 0u;
  for (var i = 0u; i < lane; i++) { place += sums[i]; }
  for (var f = begin; f < end; f++) {
    place += start[f + 1u];
    start[f + 1u] = place;
  }
  if (lane == 0u) { start[0] = 0u; }
}`;

/**
 * Puts the entries of sparse features in the order of their features, for sums over a feature's rows.
 * @param rowStart u32[B+1]
 * @param index u32[capacity], ascending in a row, below F
 * @returns start u32[F+1], entry and row u32[capacity]; what lies past start[F] is undefined
 */
export function byFeature(rowStart: Tensor, index: Tensor, options: { F: number }): FeatureOrder {
  const { counts, ...order } = op({ rowStart, index }, options);
  counts.dispose();
  return order;
}
