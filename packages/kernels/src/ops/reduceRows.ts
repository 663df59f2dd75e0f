import { address, type WasmCall } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { acrossLanes, eachRow, grid, type Dispatch } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";
import { repeat } from "./repeat.js";

type Name = "sumRows" | "meanRows" | "maxRows";

/** Rows of a task: about 16,384 elements. */
export const rowsOf = (x: Tensor): number => Math.max(1, Math.floor(16384 / Math.max(1, x.shape[1])));

/** A kernel that makes each row a number. */
export function byRows(kernel: string, x: Tensor, y: Tensor): WasmCall {
  const rows = rowsOf(x);
  return { kernel, args: [address(x), address(y), x.shape[0], x.shape[1], rows], tasks: Math.ceil(x.shape[0] / rows) };
}

/** A workgroup a row, in passes over the parts of x that fit a binding. `body` reads x from `start` on and sets y[p.first + row]. */
const partsOf = (x: Tensor, y: Tensor, as: "f32" | "u32", body: string, declarations: string): Dispatch[] =>
  rowTiles(x).map(({ binding, first, end }) => ({
    code: eachRow(`let start = row * p.D;\n${body}`, declarations),
    read: { x: { ...binding, as } },
    write: { y: { tensor: y, as } },
    u32: { rows: end - first, first, D: x.shape[1] },
    workgroups: grid(end - first),
  }));

const wgslSum = `
  var sum = 0.0;
  for (var d = lane; d < p.D; d += 64u) { sum += x[start + d]; }
  let whole = total(lane, sum);`;
/** Floats as whole numbers in the same order, with NaN above all and -0 equal to 0: WGSL's own comparisons may assume that there is no NaN. */
const wgslOrder = `
fn order(v: u32) -> u32 {
  if ((v & 0x7fffffffu) > 0x7f800000u) { return 0xffffffffu; }
  return select(v | 0x80000000u, ~v, v > 0x80000000u);
}
fn disorder(key: u32) -> u32 {
  if (key == 0xffffffffu) { return 0x7fc00000u; }
  return select(~key, key & 0x7fffffffu, key >= 0x80000000u);
}`;
const wgslLargest = `
  var key = 0u;
  for (var d = lane; d < p.D; d += 64u) { key = max(key, order(x[start + d])); }
  let best = largest(lane, key);`;

const wgsl: Record<Name, (x: Tensor, y: Tensor) => Dispatch[]> = {
  sumRows: (x, y) => partsOf(x, y, "f32", `${wgslSum} y[p.first + row] = whole;`, acrossLanes("total", "a + b")),
  meanRows: (x, y) => partsOf(x, y, "f32", `${wgslSum} y[p.first + row] = whole / f32(p.D);`, acrossLanes("total", "a + b")),
  maxRows: (x, y) => partsOf(x, y, "u32", `${wgslLargest} y[p.first + row] = disorder(best);`, wgslOrder + acrossLanes("largest", "max(a, b)", "u32")),
};

/** One of the three: `reduce` makes a row a number; `gradient` is what each of its D elements counts in that, if they count alike. */
function reduction(name: Name, reduce: (row: Float32Array) => number, gradient?: (D: number) => number) {
  const op = defineOp<{ x: Float32Array }, { y: Float32Array }>({
    name,
    outputs({ x }) {
      expectColumns(name, x, name === "sumRows" ? 0 : 1);
      return { y: { dtype: "f32", shape: [x.shape[0]] } };
    },
    reference({ x }, { y }) {
      const [N, D] = x.shape as [number, number];
      for (let n = 0; n < N; n++) y.data[n] = reduce(x.data.subarray(n * D, (n + 1) * D));
    },
    wasm: ({ x }, { y }) => byRows(name, x, y),
    wgsl: ({ x }, { y }) => wgsl[name](x, y),
    ...(gradient && { saves: [], vjp: ({ inputs: { x }, cotangents: { y } }) => ({ x: repeat(y.reshape([x.shape[0], 1]), x.shape, gradient(x.shape[1])) }) }),
  });
  return (x: Tensor): Tensor => op({ x }, {}).y;
}

const argmaxOp = defineOp<{ x: Float32Array }, { y: Uint32Array }>({
  name: "argmax",
  outputs({ x }) {
    expectColumns("argmax", x, 1);
    return { y: { dtype: "u32", shape: [x.shape[0]] } };
  },
  reference({ x }, { y }) {
    const [N, V] = x.shape as [number, number];
    for (let n = 0; n < N; n++) {
      let best = 0;
      for (let v = 1; v < V; v++) {
        const [a, b] = [x.data[n * V + v], x.data[n * V + best]];
        if (a > b || (Number.isNaN(a) && !Number.isNaN(b))) best = v;
      }
      y.data[n] = best;
    }
  },
  wasm: ({ x }, { y }) => byRows("argmax", x, y),
  wgsl: ({ x }, { y }) =>
    partsOf(
      x,
      y,
      "u32",
      `${wgslLargest}
  var place = p.D;
  for (var d = lane; d < p.D; d += 64u) { if (order(x[start + d]) == best) { place = d; break; } }
  y[p.first + row] = first(lane, place);`,
      wgslOrder + acrossLanes("largest", "max(a, b)", "u32") + acrossLanes("first", "min(a, b)", "u32"),
    ),
});

function expectColumns(name: string, x: Tensor, least: number): void {
  expectShape(name, "x", x, ["f32"], ["N", "D"]);
  if (x.shape[1] < least) throw new ShapeError(`${name}: expected x f32[N,D] with D >= ${least}, got ${describe(x)}`);
}

/** Sum of each row. @param x f32[N,D] @returns f32[N]; the order of addition depends on D alone */
export const sumRows = reduction("sumRows", (row) => row.reduce((sum, v) => sum + v, 0), () => 1);
/** Mean of each row. @param x f32[N,D], D >= 1 @returns f32[N] */
export const meanRows = reduction("meanRows", (row) => row.reduce((sum, v) => sum + v, 0) / row.length, (D) => 1 / D);
/** Largest value of each row; NaN where the row has one. @param x f32[N,D], D >= 1 @returns f32[N] */
export const maxRows = reduction("maxRows", (row) => row.reduce((max, v) => Math.max(max, v), -Infinity));

/**
 * Column of each row's largest value: the first of equals (-0 equals 0). NaN counts as larger than every number, as in
 * PyTorch and NumPy, so that a broken row shows.
 * @param x f32[N,V], V >= 1
 * @returns u32[N]
 */
export const argmax = (x: Tensor): Tensor => argmaxOp({ x }, {}).y;
