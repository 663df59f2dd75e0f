import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";

const ROWS = 16;

const op = defineOp<{ qkv: Float32Array }, { q: Float32Array; k: Float32Array; v: Float32Array }, { heads: number }>({
  name: "splitQkv",
  outputs({ qkv }, { heads }) {
    expectShape("splitQkv", "qkv", qkv, ["f32"], ["N", "3*D"]);
    if (qkv.shape[1] % (3 * heads)) throw new ShapeError(`splitQkv: expected qkv f32[N,3*D] with D a multiple of ${heads} heads, got ${describe(qkv)}`);
    const part = { dtype: "f32" as const, shape: [qkv.shape[0], qkv.shape[1] / 3] };
    return { q: part, k: part, v: part };
  },
  reference({ qkv }, { q, k, v }, { heads }) {
    const [N, D] = q.shape as [number, number];
    const d = D / heads;
    for (let n = 0; n < N; n++)
      for (let h = 0; h < heads; h++)
        for (let i = 0; i < d; i++) {
          const from = n * 3 * D + h * 3 * d + i;
          const to = n * D + h * d + i;
          q.data[to] = qkv.data[from];
          k.data[to] = qkv.data[from + d];
          v.data[to] = qkv.data[from + 2 * d];
        }
  },
  wasm: ({ qkv }, { q, k, v }, { heads }) => ({
    kernel: "splitQkv",
    args: [address(qkv), address(q), address(k), address(v), q.shape[0], heads, q.shape[1] / heads],
    tasks: Math.ceil(q.shape[0] / ROWS),
  }),
  wgsl: ({ qkv }, { q, k, v }, { heads }) => ({
    code: eachElement(`
  let at = index / p.d * 3u * p.d + index % p.d; // every head of every row, one after another
  q[index] = qkv[at];
  k[index] = qkv[at + p.d];
  v[index] = qkv[at + 2u * p.d];`),
    read: { qkv },
    write: { q, k, v },
    u32: { n: q.size, d: q.shape[1] / heads },
    workgroups: grid(Math.ceil(q.size / 256)),
  }),
});

/**
 * Takes apart what one projection made: GPT-NeoX writes [q(d), k(d), v(d)] of head 0, then of head 1, and so on.
 * @param qkv f32[N,3*D], D = heads * d
 * @returns q, k, v: f32[N,D] each, head h in columns h*d to (h+1)*d
 * @throws ShapeError `splitQkv: expected qkv f32[N,3*D] with D a multiple of 8 heads, got f32[4,100]`
 */
export const splitQkv = (qkv: Tensor, options: { heads: number }): { q: Tensor; k: Tensor; v: Tensor } => op({ qkv }, options);
