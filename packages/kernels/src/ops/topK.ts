import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { grid } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";

const ROWS = 4;

interface Inputs {
  rowStart: Uint32Array;
  index: Uint32Array;
  values: Float32Array;
  x: Float32Array;
  mask?: Uint32Array;
  names?: Uint32Array;
}

const op = defineOp<Inputs, object, { k: number; at: number }>({
  name: "topKInto",
  writes: ["rowStart", "index", "values"],
  outputs({ rowStart, index, values, x, mask, names }, { k, at }) {
    expectShape("topKInto", "rowStart", rowStart, ["u32"], ["B+1"]);
    expectShape("topKInto", "index", index, ["u32"], [(rowStart.size - 1) * k], `${rowStart.size - 1} rows of ${k}`);
    expectShape("topKInto", "values", values, ["f32"], index.shape, `index is ${describe(index)}`);
    expectShape("topKInto", "x", x, ["f32"], ["R", "F"]);
    if (mask) expectShape("topKInto", "mask", mask, ["u32"], [x.shape[1]], `x is ${describe(x)}`);
    if (names) expectShape("topKInto", "names", names, ["u32"], [x.shape[1]], `x is ${describe(x)}`);
    if (!mask && k > x.shape[1]) throw new ShapeError(`topK: expected k <= ${x.shape[1]}, got ${k}`, "take fewer, or use more features");
    if (!(at >= 0 && at + x.shape[0] < rowStart.size)) throw new ShapeError(`topKInto: expected rows ${at} to ${at + x.shape[0]} inside ${rowStart.size - 1} (rowStart is ${describe(rowStart)})`);
    return {};
  },
  reference({ rowStart, index, values, x, mask, names }, _, { k, at }) {
    const [R, F] = x.shape as [number, number];
    const eligible = Array.from({ length: F }, (_, f) => f).filter((f) => !mask || mask.data[f]);
    const K = Math.min(k, eligible.length);
    for (let r = 0; r < R; r++) {
      const relu = (f: number) => (x.data[r * F + f] <= 0 ? 0 : x.data[r * F + f]);
      const order = (f: number) => (Number.isNaN(relu(f)) ? Infinity : relu(f) === Infinity ? Number.MAX_VALUE : relu(f));
      const best = [...eligible].sort((f, g) => (order(f) === order(g) ? f - g : order(g) - order(f))).slice(0, K);
      best.sort((f, g) => f - g);
      rowStart.data[at + r] = (at + r) * K;
      rowStart.data[at + r + 1] = (at + r + 1) * K;
      best.forEach((f, i) => {
        index.data[(at + r) * K + i] = names ? names.data[f] : f;
        values.data[(at + r) * K + i] = relu(f);
      });
    }
  },
  wasm: ({ rowStart, index, values, x, mask, names }, _, { k, at }) => ({
    kernel: "topKInto",
    args: [address(rowStart), address(index), address(values), address(x), mask ? address(mask) : 0, x.shape[0], x.shape[1], k, at, names ? address(names) : 0],
    tasks: Math.ceil(x.shape[0] / ROWS),
  }),
  wgsl: ({ rowStart, index, values, x, mask, names }, _, { k, at }) =>
    rowTiles(x).map(({ binding, first, end }) => ({
      code: selectCode(mask !== undefined, names !== undefined),
      read: { x: { ...binding, as: "u32" }, ...(mask && { mask }), ...(names && { names }) },
      write: { rowStart, columns: index, values: { tensor: values, as: "u32" } },
      u32: { rows: end - first, at: at + first, F: x.shape[1], k },
      workgroups: grid(end - first),
    })),
});

/** The bits of floats as numbers in the order of relu(v): NaN above all. */
export const wgslKey = `
fn keyOf(v: u32) -> u32 {
  if ((v & 0x7fffffffu) > 0x7f800000u) { return 0x7fffffffu; }
  return select(v, 0u, v >= 0x80000000u);
}`;

/**
 * A workgroup of 256 threads a row. The k-th largest is found digit by digit, 8 bits at a time: how many have each digit,
 * added up from the largest, until k are reached. Then the columns pass by in order, 1,024 at a time, and each that is
 * larger, or one of the first that are equal, goes to its place.
 */
const selectCode = (masked: boolean, named: boolean): string => `
var<workgroup> bins: array<atomic<u32>, 256>;
var<workgroup> sums: array<u32, 256>;
var<workgroup> found: array<u32, 3>; // digit, how many are larger, how many there are
${wgslKey}
fn eligible(f: u32) -> bool { return ${masked ? "mask[f] != 0u" : "true"}; }
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= p.rows) { return; }
  let start = row * p.F;
  var k = p.k;
  var more = 0u; // how many are larger than all that begin with \`prefix\`
  var prefix = 0u;
  for (var shift = 24i; shift >= 0i; shift -= 8i) {
    atomicStore(&bins[lane], 0u);
    workgroupBarrier();
    for (var f = lane; f < p.F; f += 256u) {
      let key = keyOf(x[start + f]);
      let same = shift == 24i || (key >> u32(shift + 8i)) == prefix;
      if (same && eligible(f)) { atomicAdd(&bins[(key >> u32(shift)) & 255u], 1u); }
    }
    workgroupBarrier();
    let mine = atomicLoad(&bins[lane]);
    sums[lane] = mine;
    // from the largest digit down
    for (var step = 1u; step < 256u; step *= 2u) {
      workgroupBarrier();
      let sum = sums[lane] + select(0u, sums[min(lane + step, 255u)], lane + step < 256u);
      workgroupBarrier();
      sums[lane] = sum;
    }
    workgroupBarrier();
    if (shift == 24i) { k = min(k, workgroupUniformLoad(&sums[0])); }
    let above = sums[lane] - mine + more;
    if (above < k && above + mine >= k) {
      found[0] = lane;
      found[1] = above;
    }
    workgroupBarrier();
    prefix = prefix * 256u + workgroupUniformLoad(&found[0]);
    more = workgroupUniformLoad(&found[1]);
  }
  let first = (p.at + row) * k;
  if (lane == 0u) {
    rowStart[p.at + row] = first;
    rowStart[p.at + row + 1u] = first + k;
  }
  let ties = k - more;
  var larger = 0u;
  var equal = 0u;
  for (var c = 0u; c < p.F && k > 0u; c += 1024u) {
    var mine = 0u; // larger ones, and equal ones in the upper half
    for (var f = c + 4u * lane; f < min(c + 4u * lane + 4u, p.F); f++) {
      let key = keyOf(x[start + f]);
      if (eligible(f)) { mine += select(select(0u, 65536u, key == prefix), 1u, key > prefix); }
    }
    workgroupBarrier();
    sums[lane] = mine;
    for (var step = 1u; step < 256u; step *= 2u) {
      workgroupBarrier();
      let sum = sums[lane] + select(0u, sums[max(lane, step) - step], lane >= step);
      workgroupBarrier();
      sums[lane] = sum;
    }
    let all = workgroupUniformLoad(&sums[255]);
    let before = sums[lane] - mine;
    var l = larger + (before & 65535u);
    var e = equal + (before >> 16u);
    for (var f = c + 4u * lane; f < min(c + 4u * lane + 4u, p.F) && mine > 0u; f++) {
      let key = keyOf(x[start + f]);
      if (eligible(f) && (key > prefix || (key == prefix && e < ties))) {
        let place = first + l + min(e, ties);
        columns[place] = ${named ? "names[f]" : "f"};
        values[place] = select(key, x[start + f], key == 0x7fffffffu);
      }
      if (eligible(f)) {
        l += u32(key > prefix);
        e += u32(key == prefix);
      }
    }
    larger += all & 65535u;
    equal += all >> 16u;
  }
}`;

/**
 * Writes the k largest of relu(x) of each row, columns ascending; equal ones go to the lower column, NaN counts as largest.
 * @param features rowStart u32[B+1], index u32[B*k], values f32[B*k]: rows at to at+R are written
 * @param x f32[R,F]
 * @param options.mask u32[F]: only columns where it is not 0 are there to choose from, and k is at most their number
 * @param options.names u32[F], ascending: what the columns are called in `index`
 * @throws ShapeError `topK: expected k <= 4096, got 5000`
 */
export const topKInto = ({ rowStart, index, values }: { rowStart: Tensor; index: Tensor; values: Tensor }, x: Tensor, { k, at, mask, names }: { k: number; at: number; mask?: Tensor; names?: Tensor }): void => void op({ rowStart, index, values, x, mask, names }, { k, at });
