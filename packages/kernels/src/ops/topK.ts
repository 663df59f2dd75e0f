import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { grid } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";
import type { EncoderInputs, Entries } from "./encoder.js";
import { eachTile } from "./tiles.js";

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
      code: selectCode(lanesFor(x.shape[1]), mask !== undefined, names !== undefined),
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

/** Threads a row: 64 columns or more each, where there are as many. */
const lanesFor = (F: number): number => Math.min(256, Math.max(32, 2 ** Math.ceil(Math.log2(F / 64))));

/** Columns whose bits two halves of `words` hold. */
const SEGMENT = 8192;

/**
 * A workgroup a row. The k-th largest is found digit by digit, 8 bits at a time: how many keys have each digit, added up from the
 * largest until k are reached. Then each column that is larger, or equal, sets a bit, and the bits before it are its place.
 * Barriers are dear and loads slow: sums go in sixteen runs of sixteen, which every thread adds up for itself, and keys come
 * four at a time.
 */
const selectCode = (lanes: number, masked: boolean, named: boolean): string => `
const NONE = 0xffffffffu; // no key: those are even
var<workgroup> words: array<atomic<u32>, 512>; // bins, of two digits in turns; then the bits
var<workgroup> runs: array<u32, 16>;
${wgslKey}
fn keyAt(start: u32, f: u32, end: u32) -> u32 {
  if (f >= end${masked ? " || mask[f] == 0u" : ""}) { return NONE; }
  return keyOf(x[start + f]) << 1u; // 31 bits: the first digit is the whole exponent
}
fn keysAt(start: u32, f: u32, end: u32) -> vec4u {
  return vec4u(keyAt(start, f, end), keyAt(start, f + ${lanes}u, end), keyAt(start, f + ${2 * lanes}u, end), keyAt(start, f + ${3 * lanes}u, end));
}
/** Bits set in a word of either half: larger ones, and equal ones in the upper half. */
fn bitsOf(word: u32) -> u32 {
  return countOneBits(atomicLoad(&words[word])) | (countOneBits(atomicLoad(&words[256u + word])) << 16u);
}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= p.rows) { return; }
  let start = row * p.F;
  var k = p.k;
  var more = 0u; // how many are larger than all that begin with \`prefix\`
  var prefix = 0u;
  for (var i = lane; i < 256u; i += ${lanes}u) { atomicStore(&words[i], 0u); }
  workgroupBarrier();
  for (var digit = 0u; digit < 4u; digit++) {
    let shift = 24u - 8u * digit;
    let bins = 256u * (digit & 1u);
    var zeros = 0u;
    for (var f = lane; f < p.F; f += ${4 * lanes}u) {
      let keys = keysAt(start, f, p.F);
      for (var i = 0u; i < 4u; i++) {
        let key = keys[i];
        if (key == 0u) {
          zeros++;
        } else if (key != NONE && (digit == 0u || (key >> ((shift + 8u) & 31u)) == prefix)) {
          atomicAdd(&words[bins + ((key >> shift) & 255u)], 1u);
        }
      }
    }
    if (prefix == 0u && zeros > 0u) { atomicAdd(&words[bins], zeros); }
    workgroupBarrier();
    if (lane < 16u) {
      var sum = 0u;
      for (var i = 0u; i < 16u; i++) { sum += atomicLoad(&words[bins + 16u * lane + i]); }
      runs[lane] = sum;
    }
    for (var i = lane; i < 256u; i += ${lanes}u) { atomicStore(&words[(bins ^ 256u) + i], 0u); }
    workgroupBarrier();
    if (digit == 0u) {
      var all = 0u;
      for (var i = 0u; i < 16u; i++) { all += runs[i]; }
      k = min(k, all);
    }
    var run = 15u;
    while (run > 0u && more + runs[run] < k) { more += runs[run]; run--; }
    var bin = 16u * run + 15u;
    while (bin > 16u * run && more + atomicLoad(&words[bins + bin]) < k) { more += atomicLoad(&words[bins + bin]); bin--; }
    prefix = prefix * 256u + bin;
  }
  let first = (p.at + row) * k;
  if (lane == 0u) {
    rowStart[p.at + row] = first;
    rowStart[p.at + row + 1u] = first + k;
  }
  let ties = k - more;
  var before = 0u; // larger and equal ones of the segments before: where they go
  var equals = 0u;
  for (var c = 0u; c < p.F; c += ${SEGMENT}u) {
    workgroupBarrier();
    for (var i = lane; i < 512u; i += ${lanes}u) { atomicStore(&words[i], 0u); }
    workgroupBarrier();
    let end = min(c + ${SEGMENT}u, p.F);
    for (var f = c + lane; f < end; f += ${4 * lanes}u) {
      let keys = keysAt(start, f, end);
      for (var i = 0u; i < 4u; i++) {
        let key = keys[i];
        let column = f + i * ${lanes}u - c;
        if (key >= prefix && key != NONE) { atomicOr(&words[select(0u, 256u, key == prefix) + column / 32u], 1u << (column % 32u)); }
      }
    }
    workgroupBarrier();
    if (lane < 16u) {
      var sum = 0u;
      for (var i = 0u; i < 16u; i++) { sum += bitsOf(16u * lane + i); }
      runs[lane] = sum;
    }
    workgroupBarrier();
    for (var word = lane; word < 256u; word += ${lanes}u) {
      let equal = atomicLoad(&words[256u + word]);
      var left = atomicLoad(&words[word]) | equal;
      if (left == 0u) { continue; }
      var sum = 0u;
      for (var i = 0u; i < word / 16u; i++) { sum += runs[i]; }
      for (var i = word & ~15u; i < word; i++) { sum += bitsOf(i); }
      var l = before + (sum & 65535u);
      var e = equals + (sum >> 16u);
      while (left != 0u) {
        let bit = countTrailingZeros(left);
        left &= left - 1u;
        let tie = (equal >> bit) & 1u;
        if (tie == 0u || e < ties) {
          let f = c + 32u * word + bit;
          let key = keyOf(x[start + f]);
          let place = first + l + min(e, ties);
          columns[place] = ${named ? "names[f]" : "f"};
          values[place] = select(key, x[start + f], key == 0x7fffffffu);
        }
        l += 1u - tie;
        e += tie;
      }
    }
    for (var i = 0u; i < 16u; i++) {
      before += runs[i] & 65535u;
      equals += runs[i] >> 16u;
    }
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

/** The k largest of relu(x encoderᵀ + bias) of each row; [B,F] is never whole in memory. @param options.mask, options.names as for `topKInto` */
export function topKOfTiles(inputs: EncoderInputs<Tensor>, k: number, options: { mask?: Tensor; names?: Tensor } = {}): Entries<Tensor, Tensor> {
  const { device } = inputs.x;
  const B = inputs.x.shape[0];
  const features = { rowStart: device.zeros([B + 1], "u32"), index: device.empty("u32", [B * k]), values: device.empty("f32", [B * k]) };
  eachTile(inputs, (tile, at) => topKInto(features, tile, { ...options, k, at }));
  return features;
}
