import { arg, nextTask, pointer } from "../wasm/job.as";
import { copyFloats } from "../wasm/simd.as";

/** splitQkv(qkv, q, k, v, N, heads, d): tasks of 16 rows */
export function splitQkv(): void {
  const qkv = pointer(0), q = pointer(1), k = pointer(2), v = pointer(3), N = arg(4), heads = arg(5), d = arg(6), bytes = <usize>d << 2;
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let i = t * 16 * heads, end = min(t * 16 + 16, N) * heads; i < end; i++) {
      const from = qkv + <usize>i * 3 * bytes, to = <usize>i * bytes;
      copyFloats(q + to, from, d);
      copyFloats(k + to, from + bytes, d);
      copyFloats(v + to, from + 2 * bytes, d);
    }
}
