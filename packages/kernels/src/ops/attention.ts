import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";

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
