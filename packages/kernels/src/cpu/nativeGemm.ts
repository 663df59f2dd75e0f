import { KernelError } from "../error.js";
import type { Gemm, GemmEngine, Helper, Helpers } from "./gemm.js";
import { gemmModel } from "./gemmModel.js";
import { LINE, MOST_QUEUES } from "./pool.js";

// The control block: what the caller writes and every worker reads.
const SEQUENCE = 0, BUSY = 1, QUEUES = 2, FAILED = 3, NAP = 4, LOADING = 5, CLOSED = 6, ARGS = 8, NEXT = 32;

/** What a thread needs to take part; `openOrt` is what it calls. */
export interface OrtSeat {
  memory: WebAssembly.Memory;
  control: Int32Array<SharedArrayBuffer>;
  /** Where onnxruntime-node is. */
  path: string;
  /** By `variant`. */
  models: readonly Uint8Array<ArrayBuffer>[];
}
/** A worker that runs `runOrtWorker(seat)`: ready once it has loaded the library. */
export interface OrtWorker {
  ready: Promise<void>;
  stop(): void;
}

/**
 * Rows of y in a task, and its columns: as many as make up 2 MiB of b, of which each thread keeps a copy, and at most 1,024.
 * Twice or half as many rows or columns are no faster; all columns at once would leave many threads without work.
 */
const ROWS = 128;
const columnsOf = (K: number): number => Math.min(1024, Math.ceil(2 ** 19 / K));

/**
 * ONNX Runtime's matrix product, in a worker of its own and in the pool's threads, in each of them with one thread. Its `run`
 * is asynchronous, so the caller sleeps until they have done. A task's result depends on the task alone: any number of
 * threads gives the same bytes. The library takes no shared memory: blocks are copied in and out. As in the pool each thread
 * has rows of its own, the same in every product, and helps the others when they are done.
 *
 * A thread that is woken while all cores are held, be it for microseconds more by who is about to sleep, may queue behind
 * another until the system's next tick, 4 ms later, beside a core that is free by then. So there is one worker more and no
 * second set of threads, only who is last wakes the caller, and that naps before it goes on, until the worker sleeps.
 */
export class NativeGemm implements GemmEngine {
  readonly #control: Int32Array<SharedArrayBuffer>;

  private constructor(
    readonly name: string,
    readonly helper: Helper,
    control: Int32Array<SharedArrayBuffer>,
    private readonly worker: OrtWorker,
  ) {
    this.#control = control;
  }

  /** @throws what the worker threw on loading the library */
  static async open(memory: WebAssembly.Memory, { name, path, spawn }: { name: string; path: string; spawn: (seat: OrtSeat, source: string) => OrtWorker }): Promise<NativeGemm> {
    const control = new Int32Array(new SharedArrayBuffer(4 * (NEXT + LINE * MOST_QUEUES)));
    const models = Array.from({ length: 8 }, (_, i) => gemmModel({ transposeA: !!(i & 1), transposeB: !!(i & 2), bias: !!(i & 4) }));
    const seat: OrtSeat = { memory, control, path, models };
    const source = `((seat) => (${openOrt.toString()})(seat, require))`;
    const worker = spawn(seat, `(async (seat, ready) => (${runOrtWorker.toString()})(seat, await ${source}(seat), ready))`);
    try {
      await worker.ready;
    } catch (error) {
      worker.stop();
      throw error;
    }
    return new NativeGemm(name, { source, seat }, control, worker);
  }

  pays({ M, N, K }: Pick<Gemm, "M" | "N" | "K">): boolean {
    return M >= 32 && M * N * K >= 2 ** 23;
  }

  run({ a, b, bias, y, M, N, K, transposeA, transposeB }: Gemm, helpers?: Helpers): void {
    const words = this.#control;
    words.set([a, b, bias, y, M, N, K, Number(transposeA), Number(transposeB), ROWS, columnsOf(K)], ARGS);
    const helped = helpers?.count() ?? 0;
    const queues = Math.min(1 + helped, MOST_QUEUES);
    words[QUEUES] = queues;
    for (let q = 0; q < queues; q++) words[NEXT + LINE * q] = 0;
    Atomics.store(words, BUSY, 1 + helped);
    Atomics.add(words, SEQUENCE, 1);
    if (helped > 0) helpers!.call();
    else Atomics.notify(words, SEQUENCE, 1);
    for (let busy; (busy = Atomics.load(words, BUSY)) > 0; ) Atomics.wait(words, BUSY, busy);
    if (helped > 0) Atomics.wait(words, NAP, 0, 0.01);
    if (Atomics.exchange(words, FAILED, 0)) throw new KernelError("UNSUPPORTED", `${this.name}: expected a product [${M},${K}] x [${K},${N}], got an error of its own`, 'use the engine "wasm"');
  }

  close(): void {
    letLoad(this.#control);
    this.worker.stop();
  }
}

/** Comes before threads are stopped: one that is stopped while it loads the library, which takes 0.1 s, aborts the process. */
export function letLoad(control: Int32Array<SharedArrayBuffer>): void {
  Atomics.store(control, CLOSED, 1);
  for (let loading; (loading = Atomics.load(control, LOADING)) > 0; ) if (Atomics.wait(control, LOADING, loading, 5000) === "timed-out") return; // it died
}

interface OrtTensor {
  data: Float32Array<ArrayBuffer>;
}
interface Ort {
  Tensor: new (type: "float32", data: Float32Array, dims: readonly number[]) => OrtTensor;
  InferenceSession: { create(model: Uint8Array, options: object): Promise<{ run(feeds: Record<string, OrtTensor>): Promise<{ y: OrtTensor }> }> };
}

/** What the engine's own worker does. Sent as source text: it may use nothing from outside itself. */
export async function runOrtWorker({ control }: OrtSeat, takePart: (number: number) => Promise<void>, ready: () => void): Promise<void> {
  const sequence = 0; // as above
  ready();
  for (let seen = 0; ; ) {
    Atomics.wait(control, sequence, seen);
    const now = Atomics.load(control, sequence);
    if (now === seen) continue;
    seen = now;
    await takePart(0);
  }
}

/**
 * Loads the library in this thread. Sent as source text: it may use nothing from outside itself.
 * @returns what takes part in the product that the control block tells of
 */
export async function openOrt({ memory, control, path, models }: OrtSeat, require: (path: string) => unknown): Promise<(number: number) => Promise<void>> {
  const sequence = 0, busy = 1, queuesAt = 2, failed = 3, loading = 5, closed = 6, args = 8, next = 32, line = 16; // as above
  const left = () => {
    Atomics.sub(control, loading, 1);
    Atomics.notify(control, loading);
  };
  Atomics.add(control, loading, 1);
  if (Atomics.load(control, closed)) {
    left();
    return new Promise(() => {}); // this thread is about to be stopped
  }
  const sessions: (ReturnType<Ort["InferenceSession"]["create"]> | undefined)[] = models.map(() => undefined);
  let ort: Ort;
  const open = (i: number) => ort.InferenceSession.create(models[i]!, { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3 });
  try {
    ort = require(path) as Ort;
    sessions[2] = open(2);
    await sessions[2];
  } finally {
    left();
  }
  const { port1: nowhere, port2 } = new MessageChannel();
  port2.close();
  /** Frees memory at once, by handing it over to nobody: as garbage, 32 MB of it would gather before it is collected. */
  const free = ({ buffer }: Float32Array<ArrayBuffer>) => nowhere.postMessage(null, [buffer]);
  const kept = new Map<string, Float32Array<ArrayBuffer>>();
  /** A tensor of the library's, in memory that is kept for the next block. */
  const tensor = (name: string, ...dims: number[]): OrtTensor => {
    const size = dims.reduce((p, n) => p * n);
    let data = kept.get(name);
    if (!data || data.length < size) {
      if (data) free(data);
      kept.set(name, (data = new Float32Array(size)));
    }
    return new ort.Tensor("float32", data.subarray(0, size), dims);
  };
  /** Elements [r0, r1) x [c0, c1) of a matrix in shared memory, in or out. */
  const eachRow = (at: number, width: number, r0: number, r1: number, c0: number, c1: number, row: (shared: Float32Array, r: number) => void) => {
    for (let r = r0; r < r1; r++) row(new Float32Array(memory.buffer, at + 4 * (r * width + c0), c1 - c0), r);
  };
  const bring = (name: string, at: number, width: number, r0: number, r1: number, c0: number, c1: number): OrtTensor => {
    const to = tensor(name, r1 - r0, c1 - c0);
    if (c1 - c0 === width) to.data.set(new Float32Array(memory.buffer, at + 4 * r0 * width, (r1 - r0) * width));
    else eachRow(at, width, r0, r1, c0, c1, (shared, r) => to.data.set(shared, (r - r0) * (c1 - c0)));
    return to;
  };

  return async (number) => {
    Atomics.notify(control, sequence, 1);
    try {
      memory.grow(0); // the buffer anew, if it has grown
      const [a, b, bias, y, M, N, K, transposeA, transposeB, rows, columns] = Array.from(control.subarray(args, args + 11), (word) => word >>> 0) as [number, number, number, number, number, number, number, number, number, number, number];
      const variant = transposeA + 2 * transposeB + (bias ? 4 : 0);
      const down = Math.ceil(M / rows), across = Math.ceil(N / columns);
      let right: OrtTensor | undefined, rightOf = -1;
      let start: OrtTensor | undefined;
      const queues = control[queuesAt]!;
      for (let turn = 0; turn < queues; turn++) {
        // its own rows first: it may be the one that reads them next
        const q = (number + turn) % queues, first = Math.floor((down * q) / queues), own = Math.floor((down * (q + 1)) / queues) - first;
        for (let t; (t = Atomics.add(control, next + line * q, 1)) < own * across; ) {
          const m0 = (first + (t % own)) * rows, m1 = Math.min(M, m0 + rows), block = Math.floor(t / own), n0 = block * columns, n1 = Math.min(N, n0 + columns);
          if (block !== rightOf) {
            right = transposeB ? bring("b", b, K, n0, n1, 0, K) : bring("b", b, N, 0, K, n0, n1);
            if (bias) (start = tensor("bias", n1 - n0)).data.set(new Float32Array(memory.buffer, bias + 4 * n0, n1 - n0));
            rightOf = block;
          }
          const left = transposeA ? bring("a", a, M, 0, K, m0, m1) : bring("a", a, K, m0, m1, 0, K);
          const session = await (sessions[variant] ??= open(variant));
          const { data } = (await session.run(start ? { a: left, b: right!, bias: start } : { a: left, b: right! })).y; // its own copy, even of what it is given to write to
          if (n1 - n0 === N) new Float32Array(memory.buffer, y + 4 * m0 * N, (m1 - m0) * N).set(data);
          else eachRow(y, N, m0, m1, n0, n1, (shared, r) => shared.set(data.subarray((r - m0) * (n1 - n0), (r - m0 + 1) * (n1 - n0))));
          free(data);
        }
      }
    } catch {
      Atomics.store(control, failed, 1); // the caller throws: here nobody would hear it
    }
    if (Atomics.sub(control, busy, 1) === 1) Atomics.notify(control, busy);
  };
}
