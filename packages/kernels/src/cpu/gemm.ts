/** A dense matrix product y = a b + bias on f32, row-major, by addresses in the device's memory. */
export interface Gemm {
  /** [M,K], or [K,M] with `transposeA`. */
  a: number;
  /** [K,N], or [N,K] with `transposeB`. */
  b: number;
  /** [N], or 0 for none. */
  bias: number;
  /** [M,N] */
  y: number;
  M: number;
  N: number;
  K: number;
  transposeA: boolean;
  transposeB: boolean;
}

/** What computes dense products in place of the WebAssembly kernels, for as long as the device lives. `run` blocks. */
export interface GemmEngine {
  /** All that its bytes depend on: `onnxruntime 1.30.0 on AMD EPYC 9654` (kernels are chosen by the processor). */
  readonly name: string;
  /** Whether a product of this size is faster here than in WebAssembly. It depends on nothing else, so that a run can be repeated. */
  pays(size: Pick<Gemm, "M" | "N" | "K">): boolean;
  /** @param helpers the pool's threads, which have opened `helper` */
  run(gemm: Gemm, helpers?: Helpers): void;
  /** What a thread needs to take part. */
  readonly helper: Helper;
  close(): void;
}

/** Threads that may take part in a product. */
export interface Helpers {
  /** How many would: all of them, or none while they start. */
  count(): number;
  /** Has each call what its `helper` gave, once. */
  call(): void;
}

export interface Helper {
  /** Of a function that may use nothing from outside itself but `require`: from `seat` to what takes part in the product at hand, told the thread's number, 1 and on. */
  source: string;
  seat: unknown;
}
