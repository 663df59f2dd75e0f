import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { acrossLanes, eachRow, grid } from "../webgpu/dispatch.js";

const QUERIES = 16;

/**
 * A workgroup is a query of one head. It walks its keys 64 at a time: thread j scores key j, then thread i adds up
 * columns i, i + 64, ..., with a running maximum and sum, so that nothing grows with the number of keys.
 */
const wgslAttention = (d: number): string =>
  eachRow(
    `
  let n = row / p.heads;
  let column = row % p.heads * ${d}u;
  let start = spans[2u * n];
  let end = min(spans[2u * n + 1u], p.M);
  for (var i = lane; i < ${d}u; i += 64u) { query[i] = q[n * p.D + column + i] * p.scale; }
  workgroupBarrier();
  var sums: array<f32, ${Math.ceil(d / 64)}>;
  var sum = 0.0;
  var top = -3.4028234e38;
  for (var c = start; c < end; c += 64u) {
    let keys = min(64u, end - c);
    var score = -3.4028234e38;
    if (lane < keys) {
      score = 0.0;
      for (var i = 0u; i < ${d}u; i++) { score += query[i] * k[(c + lane) * p.D + column + i]; }
    }
    let next = max(largest(lane, score), top);
    let shrink = select(exp(top - next), 0.0, c == start);
    top = next;
    weights[lane] = select(0.0, exp(score - next), lane < keys);
    sum = sum * shrink + weights[lane];
    workgroupBarrier();
    for (var part = 0u; part < ${Math.ceil(d / 64)}u; part++) {
      let i = part * 64u + lane;
      if (i < ${d}u) {
        var s = sums[part] * shrink;
        for (var j = 0u; j < keys; j++) { s += weights[j] * v[(c + j) * p.D + column + i]; }
        sums[part] = s;
      }
    }
  }
  let whole = total(lane, sum);
  for (var i = lane; i < ${d}u; i += 64u) { y[n * p.D + column + i] = select(0.0, sums[i / 64u] / whole, start < end); }`,
    `
var<workgroup> query: array<f32, ${d}>;
var<workgroup> weights: array<f32, 64>;
${acrossLanes("largest", "max(a, b)")}
${acrossLanes("total", "a + b")}`,
  );

const op = defineOp<{ q: Float32Array; k: Float32Array; v: Float32Array; spans: Uint32Array }, { y: Float32Array }, { heads: number }>({
  name: "attention",
  outputs({ q, k, v, spans }, { heads }) {
    expectShape("attention", "q", q, ["f32"], ["N", "D"]);
    expectShape("attention", "k", k, ["f32"], ["M", q.shape[1]], `q is ${describe(q)}`);
    expectShape("attention", "v", v, ["f32"], k.shape, `k is ${describe(k)}`);
    expectShape("attention", "spans", spans, ["u32"], [q.shape[0], 2], `q is ${describe(q)}`);
    if (q.shape[1] % heads) throw new ShapeError(`attention: expected q f32[N,D] with D a multiple of ${heads} heads, got ${describe(q)}`);
    return { y: { dtype: "f32", shape: q.shape } };
  },
  reference({ q, k, v, spans }, { y }, { heads }) {
    const [N, D] = q.shape as [number, number];
    const [M] = k.shape;
    const d = D / heads;
    y.data.fill(0);
    for (let n = 0; n < N; n++)
      for (let h = 0; h < heads; h++) {
        const [start, end] = [spans.data[2 * n], Math.min(spans.data[2 * n + 1], M)];
        const scores: number[] = [];
        for (let j = start; j < end; j++) {
          let dot = 0;
          for (let i = h * d; i < (h + 1) * d; i++) dot += q.data[n * D + i] * k.data[j * D + i];
          scores.push(dot / Math.sqrt(d));
        }
        const max = scores.reduce((a, b) => Math.max(a, b), -Infinity);
        const sum = scores.reduce((a, b) => a + Math.exp(b - max), 0);
        for (let i = h * d; i < (h + 1) * d; i++) {
          let mean = 0;
          for (let j = start; j < end; j++) mean += (Math.exp(scores[j - start] - max) / sum) * v.data[j * D + i];
          y.data[n * D + i] = mean;
        }
      }
  },
  wasm: ({ q, k, v, spans }, { y }, { heads }) => {
    const [N, D] = q.shape as [number, number];
    return {
      kernel: "attention",
      args: [address(q), address(k), address(v), address(spans), address(y), N, k.shape[0], heads, D / heads, f32Bits(1 / Math.sqrt(D / heads))],
      tasks: Math.ceil(N / QUERIES) * heads,
    };
  },
  wgsl: ({ q, k, v, spans }, { y }, { heads }) => {
    const [N, D] = q.shape as [number, number];
    return {
      code: wgslAttention(D / heads),
      read: { q, k, v, spans },
      write: { y },
      u32: { rows: N * heads, heads, D, M: k.shape[0] },
      f32: { scale: 1 / Math.sqrt(D / heads) },
      workgroups: grid(D === 0 ? 0 : N * heads),
    };
  },
});

/**
 * Scaled dot-product attention over spans of keys: query n sees keys spans[n,0] <= j < spans[n,1] of its own head, so
 * one call serves packed texts (causal: from the start of the text to the query) and a cache. softmax(q kᵀ / √d) v.
 * A query's result depends on its own keys only, not on the queries beside it (on cpu: to the bit).
 * @param q f32[N,D], D = heads * d
 * @param k f32[M,D]
 * @param v f32[M,D]
 * @param spans u32[N,2], cut at M; an empty span gives zeros
 * @returns f32[N,D]
 * @throws ShapeError `attention: expected k f32[M,512], got f32[4,768] (q is f32[4,512])`
 * @see Vaswani et al. 2017, "Attention Is All You Need", §3.2.1; Milakov & Gimelshein 2018 for the streamed softmax
 */
export const attention = (q: Tensor, k: Tensor, v: Tensor, spans: Tensor, options: { heads: number }): Tensor => op({ q, k, v, spans }, options).y;
