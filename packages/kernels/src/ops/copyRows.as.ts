import { nextTask, pointer } from "../wasm/job.as";

/** copyWords(to, from, bytes): tasks of 64 KiB */
export function copyWords(): void {
  const to = pointer(0), from = pointer(1), bytes = pointer(2);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const o = <usize>t << 16;
    memory.copy(to + o, from + o, min(bytes - o, 1 << 16));
  }
}
