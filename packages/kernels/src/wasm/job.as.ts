// The job block that `cpu/pool.ts` describes: which tasks there are and what the kernel was given.
const NEXT: usize = 1024 + 8, TASKS: usize = 1024 + 12, ARGS: usize = 1024 + 64;

let scratchAddress: usize = 0;
/** Called once in each thread. */
export function setThread(scratch: usize): void {
  scratchAddress = scratch;
}
/** Where the module's constants end: the build checks that scratch begins behind. */
export function staticEnd(): usize {
  return __heap_base;
}
/** Private memory of this thread, 1 MiB. */
// @ts-ignore: decorator
@inline export function scratch(): usize {
  return scratchAddress;
}

export function spin(address: usize, value: i32, spins: i32): i32 {
  for (let i = 0; i < spins; i++) if (atomic.load<i32>(address) != value) return 1;
  return 0;
}

// @ts-ignore: decorator
@inline export function arg(i: usize): i32 {
  return load<i32>(ARGS + (i << 2));
}
// @ts-ignore: decorator
@inline export function pointer(i: usize): usize {
  return load<u32>(ARGS + (i << 2));
}
// @ts-ignore: decorator
@inline export function float(i: usize): f32 {
  return load<f32>(ARGS + (i << 2));
}
/** A double in two words, `f64Bits`. */
// @ts-ignore: decorator
@inline export function double(i: usize): f64 {
  return load<f64>(ARGS + (i << 2));
}
/** The next task that no thread has taken, or -1. */
// @ts-ignore: decorator
@inline export function nextTask(): i32 {
  const t = atomic.add<i32>(NEXT, 1);
  return t < load<i32>(TASKS) ? t : -1;
}
