// The job block that `cpu/pool.ts` describes: which tasks there are and what the kernel was given.
const TASKS: usize = 1024 + 12, QUEUES: usize = 1024 + 24, JOB: usize = 1024 + 28, ARGS: usize = 1024 + 64, NEXT: usize = 1024 + 256;

let scratchAddress: usize = 0, thread: i32 = 0;
/** Called once in each thread. @param number 0 for the caller's */
export function setThread(scratch: usize, number: i32): void {
  scratchAddress = scratch;
  thread = number;
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
// Of this thread: the job it is at, the queue it takes tasks from, that queue's end, and how many queues it may find tasks in.
let job: i32 = -1, queue: i32 = 0, end: i32 = 0, left: i32 = 0;

/** The next task of this thread's queue that no thread has taken, else of another's, or -1. */
export function nextTask(): i32 {
  if (load<i32>(JOB) != job) {
    job = load<i32>(JOB);
    left = load<i32>(QUEUES);
    queue = thread % left;
    end = endOf(queue);
  }
  while (left > 0) {
    const t = atomic.add<i32>(NEXT + (<usize>queue << 6), 1);
    if (t < end) return t;
    left--;
    if (++queue == load<i32>(QUEUES)) queue = 0;
    end = endOf(queue);
  }
  return -1;
}
function endOf(queue: i32): i32 {
  return <i32>(<i64>load<i32>(TASKS) * (queue + 1) / load<i32>(QUEUES));
}
