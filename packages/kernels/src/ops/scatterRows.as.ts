import { arg, nextTask, pointer } from "../wasm/job.as";

/** scatterRows(target, source, pairs, n, bytes, M, N): tasks of 16 pairs */
export function scatterRows(): void {
  const target = pointer(0), source = pointer(1), pairs = pointer(2), n = arg(3), bytes = <usize>pointer(4), M = <u32>arg(5), N = <u32>arg(6);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let i = t * 16, end = min(i + 16, n); i < end; i++) {
      const from = load<u32>(pairs + (<usize>i << 3)), to = load<u32>(pairs + (<usize>i << 3), 4);
      if (from < N && to < M) memory.copy(target + <usize>to * bytes, source + <usize>from * bytes, bytes);
    }
}
