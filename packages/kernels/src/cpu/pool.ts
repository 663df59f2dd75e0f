import { KernelError } from "../error.js";
import type { Helper, Helpers } from "./gemm.js";
import { assertArgs, type WasmCall } from "./wasmCall.js";

// The job block, in 32-bit words from byte JOB: what main writes and every thread reads.
export const JOB = 1024;
const SEQUENCE = 0, DONE = 1, TASKS = 3, KERNEL = 4, FAILED = 5, QUEUES = 6, NUMBER = 7, ARGS = 16, NEXT = 64;
/** Words from one queue's counter to the next: a cache line. */
export const LINE = 16;
/** As many as there is room for; more threads share them. */
export const MOST_QUEUES = 8;
/** In place of a kernel: the engine's product. */
const PRODUCT = -1;
/** Bytes of private scratch memory each thread owns. */
export const SCRATCH_BYTES = 1 << 20;
/** Turns of a busy wait before a thread sleeps: tens of microseconds, longer than the gap between two ops. */
const SPINS = 20_000;

/** Exports of the module: kernels take no arguments (they read the job block); the rest belongs to the pool. */
interface Exports {
  setThread(scratch: number, number: number): void;
  /** Busy-waits up to `spins` turns while the word at `address` is `value`; 1 when it changed. */
  spin(address: number, value: number, spins: number): number;
  [kernel: string]: (...args: number[]) => number | void;
}

/** What a worker needs to join; `runWorker` is what it runs. */
export interface Seat {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  scratch: number;
  /** 1 and on; the caller is 0. */
  number: number;
  /** Of the engine's helper, where there is one. */
  engine?: unknown;
}
/** Starts a worker that calls `runWorker(seat)`; returns how to end it. Node brings worker_threads (`node.ts`). */
export type SpawnWorker = (seat: Seat, source: string) => () => void;

/**
 * Threads over one shared memory. The caller is one of them: `run` blocks until every task is done. Each thread has a run of
 * tasks of its own, the same part of every job, so that it finds in its caches what it wrote in the last one; when these are
 * taken it helps the others. A task's result never depends on the thread that ran it.
 */
export class Pool implements Helpers {
  readonly #words: () => Int32Array;
  readonly #exports: Exports;
  readonly #names: string[];
  readonly #stops: (() => void)[] = [];
  #seated = false;

  constructor(
    module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    readonly threads: number,
    scratch: number,
    spawn?: SpawnWorker,
    helper?: Helper,
  ) {
    let words = new Int32Array(memory.buffer, JOB, NEXT + LINE * MOST_QUEUES);
    this.#words = () => (words.buffer === memory.buffer ? words : (words = new Int32Array(memory.buffer, JOB, NEXT + LINE * MOST_QUEUES)));
    this.#exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
    this.#exports.setThread(scratch, 0);
    this.#names = WebAssembly.Module.exports(module).map((e) => e.name);
    const source = helper ? `(async (seat) => (${runWorker.toString()})(seat, await (${helper.source})(seat.engine)))` : `(${runWorker.toString()})`;
    for (let i = 1; i < threads; i++) this.#stops.push(spawn!({ module, memory, scratch: scratch + i * SCRATCH_BYTES, number: i, ...(helper && { engine: helper.seat }) }, source));
  }

  run(call: WasmCall): void {
    assertArgs(call);
    if (call.tasks <= 0) return;
    const words = this.#words();
    const kernel = this.#names.indexOf(call.kernel);
    if (kernel < 0) throw new KernelError("UNSUPPORTED", `${call.kernel}: expected a kernel of that name in the WebAssembly module, got none`, "export it from wasm/index.as.ts and build");
    words[KERNEL] = kernel;
    words[TASKS] = call.tasks;
    for (let i = 0; i < call.args.length; i++) words[ARGS + i] = call.args[i]!;
    const alone = this.threads === 1 || call.tasks === 1 || !this.#ready(words);
    const queues = alone ? 1 : Math.min(this.threads, MOST_QUEUES);
    words[QUEUES] = queues;
    for (let q = 0; q < queues; q++) words[NEXT + LINE * q] = Math.floor((call.tasks * q) / queues);
    words[NUMBER]!++;
    if (!alone) {
      Atomics.store(words, DONE, 0);
      Atomics.add(words, SEQUENCE, 1);
      Atomics.notify(words, SEQUENCE);
    }
    try {
      this.#exports[call.kernel]!();
    } finally {
      // whatever happened here, no thread may still be at this job when the next one is written
      if (!alone) for (let done; (done = Atomics.load(words, DONE)) < this.threads - 1; ) if (!this.#exports.spin(JOB + 4 * DONE, done, SPINS)) Atomics.wait(words, DONE, done);
    }
    if (!alone && Atomics.exchange(words, FAILED, 0)) throw new Error(`${call.kernel}: a thread trapped; the kernel reads or writes outside the memory`);
  }

  /** Workers start while the caller goes on; until all have taken their seat, the caller works alone. */
  #ready(words: Int32Array): boolean {
    return (this.#seated ||= Atomics.load(words, DONE) === this.threads - 1);
  }

  count(): number {
    return this.#ready(this.#words()) ? this.threads - 1 : 0;
  }

  call(): void {
    const words = this.#words();
    words[KERNEL] = PRODUCT;
    Atomics.add(words, SEQUENCE, 1);
    Atomics.notify(words, SEQUENCE, 1); // who is woken wakes the next
  }

  close(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }
}

/** The body of a worker thread. Sent as source text: it may use nothing from outside itself. @param takePart in the engine's product at hand; it never fails */
export async function runWorker(seat: Seat, takePart?: (number: number) => Promise<void>): Promise<void> {
  const sequence = 0, done = 1, kernel = 4, failed = 5, product = -1, job = 1024, spins = 20_000; // as above
  const { module, memory, scratch, number } = seat;
  const words = new Int32Array(memory.buffer, job, 16);
  const exports = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
  const names = WebAssembly.Module.exports(module).map((e) => e.name);
  exports.setThread(scratch, number);
  let seen = Atomics.load(words, sequence), noticed = seen;
  Atomics.add(words, done, 1);
  for (;;) {
    const now = Atomics.load(words, sequence);
    if (now === seen) {
      if (!exports.spin(job + 4 * sequence, seen, spins)) Atomics.wait(words, sequence, seen);
      continue;
    }
    if (now !== noticed) {
      // Memory may have grown before this job was written. A thread hears of that at the end of a loop's turn, if nowhere
      // earlier; until then, memory.fill and memory.copy would trap in what is new.
      noticed = now;
      continue;
    }
    seen = now;
    if (words[kernel] === product) {
      Atomics.notify(words, sequence, 1);
      await takePart!(number);
      continue;
    }
    try {
      exports[names[words[kernel]!]!]!();
    } catch {
      Atomics.store(words, failed, 1); // the caller throws: here nobody would hear it
    }
    Atomics.add(words, done, 1);
    Atomics.notify(words, done);
  }
}
