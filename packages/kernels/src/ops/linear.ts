import { CpuDevice } from "../cpu/cpuDevice.js";
import type { Gemm } from "../cpu/gemm.js";
import { address, type WasmCall } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { grid, type Dispatch } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";
import { sumColumns } from "./sums.js";
import { transpose } from "./transpose.js";

type Inputs<T> = { x: T; weight: T; bias?: T };

const op = defineOp<Inputs<Float32Array>, { y: Float32Array }>({
  name: "linear",
  outputs({ x, weight, bias }) {
    expectShape("linear", "weight", weight, ["f32"], ["N", "K"]);
    const [N, K] = weight.shape;
    expectShape("linear", "x", x, ["f32"], ["B", K], `weight is ${describe(weight)}`);
    if (bias) expectShape("linear", "bias", bias, ["f32"], [N], `weight is ${describe(weight)}`);
    return { y: { dtype: "f32", shape: [x.shape[0], N] } };
  },
  reference({ x, weight, bias }, { y }) {
    const [M, K] = x.shape;
    const N = weight.shape[0];
    for (let m = 0; m < M; m++)
      for (let n = 0; n < N; n++) {
        let sum = bias ? bias.data[n] : 0;
        for (let k = 0; k < K; k++) sum += x.data[m * K + k] * weight.data[n * K + k];
        y.data[m * N + n] = sum;
      }
  },
  wasm: (tensors, { y }) => linearCall(sizesOf(tensors, address(y))),
  gemm: (tensors, { y }) => sizesOf(tensors, address(y)),
  wgsl: ({ x, weight, bias }, { y }) => passes({ x, weight, bias }, y),
  saves: ["x", "weight"],
  vjp: ({ inputs: { x, weight }, cotangents: { y }, needs }) => ({
    x: needs.x && matmul(y, weight),
    weight: needs.weight && matmul(y, x, { transposeA: true }),
    bias: needs.bias && sumColumns(y),
  }),
});
const sizesOf = ({ x, weight, bias }: Inputs<Tensor>, y: number): Gemm => ({ a: address(x), b: address(weight), bias: bias ? address(bias) : 0, y, M: x.shape[0], N: weight.shape[0], K: weight.shape[1], transposeA: false, transposeB: true });

/** a bᵀ + bias by the WASM kernel. */
export function linearCall({ a, b, bias, y, M, N, K }: Gemm): WasmCall {
  const groups = Math.ceil(N / COLUMNS);
  const blocks = Math.ceil(M / ROWS);
  const rows = 2 * Math.ceil(M / blocks / 2); // blocks alike, so that the threads end together
  return { kernel: M <= 2 ? "linearThin" : "linear", args: [a, b, bias, y, M, N, K, COLUMNS, rows], tasks: groups * blocks };
}
/** What a task of the WASM kernel takes on; a thread packs its columns of the weight once for all its rows. */
const COLUMNS = 64;
const ROWS = 256;

/** One pass for each combination of parts of x, weight and y that fit a binding: one in all, in the usual case. */
function passes({ x, weight, bias }: Inputs<Tensor>, y: Tensor): Dispatch[] {
  const [N, K] = weight.shape;
  const kind = K % 4 ? "f32" : "vec4f";
  return rowTiles(x).flatMap((from) =>
    rowTiles(y).flatMap((to) => {
      const first = Math.max(from.first, to.first);
      const rows = Math.min(from.end, to.end) - first;
      if (rows <= 0) return [];
      return rowTiles(weight).map((part): Dispatch => {
        const columns = part.end - part.first;
        const wide = [N, part.first, columns].every((n) => n % 4 === 0);
        const thin = rows <= THIN;
        return {
          code: load("x", kind) + load("weight", kind) + (thin ? thinCode(rows, !!bias) : tiledCode(wide, !!bias)),
          read: { x: { ...from.binding, as: kind }, weight: { ...part.binding, as: kind }, ...(bias && { bias }) },
          write: { y: { ...to.binding, as: wide && !thin ? "vec4f" : "f32" } },
          u32: { rows, columns, K, N, xRow: first - from.first, yRow: first - to.first, column: part.first },
          workgroups: grid(thin ? Math.ceil(columns / 4) : Math.ceil(rows / 64) * Math.ceil(columns / 64)),
        };
      });
    }),
  );
}

const each = <T>(n: number, line: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => line(i));
const xyzw = ["x", "y", "z", "w"] as const;

/** `xAt(row, k)`: four elements of a row of x from k, a multiple of 4; zeros past the end. */
const load = (name: string, kind: "f32" | "vec4f") =>
  kind === "vec4f"
    ? `
fn ${name}At(row: u32, k: u32) -> vec4f {
  if (k >= p.K) { return vec4f(); }
  return ${name}[(row * p.K + k) / 4u];
}`
    : `
fn ${name}At(row: u32, k: u32) -> vec4f {
  var v = vec4f();
  for (var i = 0u; i < 4u && k + i < p.K; i++) { v[i] = ${name}[row * p.K + k + i]; }
  return v;
}`;

/**
 * A workgroup of 64 threads makes 64×64 of y, a thread 8×8: rows 4·ty to +3 and 32 more, columns 4·tx to +3 and 32 more.
 * 16 steps of depth at a time go through workgroup memory, transposed on the way: each thread brings 4×4 of x and of
 * weight. A line of 17 vectors, not 16, halves the bank conflicts of these writes.
 */
const tiledCode = (wide: boolean, bias: boolean) => {
  const bring = (name: string, to: string, row: string, limit: string) => `
    ${each(4, (i) => `let ${to}${i} = ${name}At(${row} + min(${name === "x" ? "m0" : "n0"} + rq + ${i}u, ${limit} - 1u), k + kq);`).join("\n    ")}`;
  const keep = (to: string) => each(4, (c) => `${to}[(kq + ${c}u) * 17u + rq / 4u] = vec4f(${each(4, (i) => `${to}${i}.${xyzw[c]}`).join(", ")});`).join("\n    ");
  const put = (i: number, j: number) => {
    const n = `n0 + ${32 * j}u + 4u * tx`;
    const v = bias ? `c${i}${j} + bias${j}` : `c${i}${j}`;
    return wide
      ? `if (m < p.rows && ${n} < p.columns) { y[((p.yRow + m) * p.N + p.column + ${n}) / 4u] = ${v}; }`
      : each(4, (c) => `if (m < p.rows && ${n} + ${c}u < p.columns) { y[(p.yRow + m) * p.N + p.column + ${n} + ${c}u] = (${v}).${xyzw[c]}; }`).join("\n    ");
  };
  return `
var<workgroup> a: array<vec4f, 272>;
var<workgroup> b: array<vec4f, 272>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let tile = group.y * groups.x + group.x;
  let across = (p.columns + 63u) / 64u;
  let m0 = tile / across * 64u;
  let n0 = tile % across * 64u;
  if (m0 >= p.rows) { return; }
  let rq = lane / 4u * 4u;
  let kq = lane % 4u * 4u;
  let ty = lane / 8u;
  let tx = lane % 8u;
  ${each(8, (i) => `var c${i}0 = vec4f(); var c${i}1 = vec4f();`).join("\n  ")}
  for (var k = 0u; k < p.K; k += 16u) {${bring("x", "a", "p.xRow", "p.rows")}${bring("weight", "b", "0u", "p.columns")}
    workgroupBarrier();
    ${keep("a")}
    ${keep("b")}
    workgroupBarrier();
    for (var step = 0u; step < 272u; step += 17u) {
      let top = a[step + ty];
      let low = a[step + 8u + ty];
      let left = b[step + tx];
      let right = b[step + 8u + tx];
      ${each(8, (i) => `c${i}0 += ${i < 4 ? "top" : "low"}.${xyzw[i % 4]} * left; c${i}1 += ${i < 4 ? "top" : "low"}.${xyzw[i % 4]} * right;`).join("\n      ")}
    }
  }
  ${bias ? each(2, (j) => `let bias${j} = vec4f(${each(4, (c) => `bias[p.column + min(n0 + ${32 * j + c}u + 4u * tx, p.columns - 1u)]`).join(", ")});`).join("\n  ") : ""}
  ${each(8, (i) => `{ let m = m0 + 4u * ty + ${(i >> 2) * 32 + (i % 4)}u;\n    ${put(i, 0)}\n    ${put(i, 1)} }`).join("\n  ")}
}`;
};

/** Up to this many rows a tile would be mostly empty, and the time is that of reading the weight once. */
const THIN = 8;
/** A workgroup makes 4 columns of all rows, 16 threads a column, which read its weights side by side and add up their parts. */
const thinCode = (rows: number, bias: boolean) => `
var<workgroup> parts: array<f32, ${64 * rows}>;
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = (group.y * groups.x + group.x) * 4u + lane / 16u;
  let row = min(n, p.columns - 1u);
  ${each(rows, (i) => `var s${i} = 0.0;`).join(" ")}
  for (var k = lane % 16u * 4u; k < p.K; k += 64u) {
    let w = weightAt(row, k);
    ${each(rows, (i) => `s${i} += dot(w, xAt(p.xRow + ${i}u, k));`).join("\n    ")}
  }
  ${each(rows, (i) => `parts[${64 * i}u + lane] = s${i};`).join("\n  ")}
  for (var half = 8u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane % 16u < half) {
      ${each(rows, (i) => `parts[${64 * i}u + lane] += parts[${64 * i}u + lane + half];`).join("\n      ")}
    }
  }
  if (lane % 16u == 0u && n < p.columns) {
    ${each(rows, (i) => `y[(p.yRow + ${i}u) * p.N + p.column + n] = parts[${64 * i}u + lane]${bias ? " + bias[p.column + n]" : ""};`).join("\n    ")}
  }
}`;

/**
 * x weightᵀ + bias, in PyTorch's layout. On cpu a row's bytes depend on that row alone, not on its batch or the threads.
 * @param x f32[M,K]
 * @param weight f32[N,K]
 * @param bias f32[N], or none
 * @returns f32[M,N]
 * @throws ShapeError `linear: expected x f32[B,512], got f32[4,768] (weight is f32[2048,512])`
 */
export const linear = (x: Tensor, weight: Tensor, bias?: Tensor): Tensor => op(bias ? { x, weight, bias } : { x, weight }, {}).y;

interface Transposed {
  transposeA: boolean;
  transposeB: boolean;
}

/** Up to this many rows a product takes as long as reading b does; turning it would take several times that. */
const FEW = 2;

/** The product on an engine that takes either side transposed; and on cpu that of few rows, neither side so: sums go down the columns of b as it lies, in the order that `linear` has. */
const product = defineOp<{ a: Float32Array; b: Float32Array }, { y: Float32Array }, Transposed>({
  name: "matmul",
  outputs: ({ a, b }, { transposeA, transposeB }) => ({ y: { dtype: "f32", shape: [a.shape[transposeA ? 1 : 0], b.shape[transposeB ? 0 : 1]] } }),
  reference({ a, b }, { y }, { transposeA, transposeB }) {
    const [M, N] = y.shape;
    const K = a.shape[transposeA ? 0 : 1];
    for (let m = 0; m < M; m++)
      for (let n = 0; n < N; n++) {
        let sum = 0;
        for (let k = 0; k < K; k++) sum += a.data[transposeA ? k * M + m : m * K + k] * b.data[transposeB ? n * K + k : k * N + n];
        y.data[m * N + n] = sum;
      }
  },
  wasm: ({ a, b }, { y }) => ({ kernel: "productThin", args: [address(a), address(b), address(y), ...y.shape, b.shape[0]], tasks: Math.ceil(y.shape[1] / COLUMNS) }),
  gemm: ({ a, b }, { y }, transposed) => ({ a: address(a), b: address(b), bias: 0, y: address(y), M: y.shape[0], N: y.shape[1], K: a.shape[transposed.transposeA ? 0 : 1], ...transposed }),
  saves: ["a", "b"],
  vjp: ({ inputs: { a, b }, cotangents: { y }, params: { transposeA, transposeB }, needs }) => ({
    a: needs.a && (transposeA ? matmul(b, y, { transposeA: transposeB, transposeB: true }) : matmul(y, b, { transposeB: !transposeB })),
    b: needs.b && (transposeB ? matmul(y, a, { transposeA: true, transposeB: transposeA }) : matmul(a, y, { transposeA: !transposeA })),
  }),
});

/**
 * a b, where either may stand transposed. Transposing is a pass over memory, small beside the product: one tuned kernel,
 * that of `linear`, serves all four, but where another engine has its own.
 * @param a f32[M,K], or f32[K,M] with transposeA
 * @param b f32[K,N], or f32[N,K] with transposeB
 * @returns f32[M,N]
 * @throws ShapeError `matmul: expected b f32[512,N], got f32[768,512] (a is f32[4,512])`
 */
export function matmul(a: Tensor, b: Tensor, { transposeA = false, transposeB = false }: { transposeA?: boolean; transposeB?: boolean } = {}): Tensor {
  expectShape("matmul", "a", a, ["f32"], transposeA ? ["K", "M"] : ["M", "K"]);
  const K = a.shape[transposeA ? 0 : 1];
  expectShape("matmul", "b", b, ["f32"], transposeB ? ["N", K] : [K, "N"], `a is ${describe(a)}${transposeA ? ", transposed" : ""}`);
  const size = { M: a.shape[transposeA ? 1 : 0], N: b.shape[transposeB ? 0 : 1], K };
  const few = size.M <= FEW && !transposeA && !transposeB;
  if (a.device instanceof CpuDevice && (few || a.device.hasGemm(size))) return product({ a, b }, { transposeA, transposeB }).y;
  return a.device.scope(() => linear(transposeA ? transpose(a) : a, transposeB ? b : transpose(b)));
}
