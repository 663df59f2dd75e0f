import { Device, notFinite, type HostArray, type Result } from "../device.js";
import type { Host, Op } from "../defineOp.js";
import { widenF16 } from "../float16.js";
import { bytesOf, type DType, type Storage, type Tensor } from "../tensor.js";
import type { Gemm, GemmEngine } from "./gemm.js";
import { Heap } from "./heap.js";
import { Pool, SCRATCH_BYTES, type SpawnWorker } from "./pool.js";
import type { CpuStorage } from "./wasmCall.js";

export interface CpuOptions {
  /** Threads, the caller's included. More than one needs `spawn` and SharedArrayBuffer. */
  threads?: number;
  spawn?: SpawnWorker;
  /** Opens what computes dense products in place of WebAssembly; undefined where there is nothing. It reads the memory from other threads, so that is shared. */
  openEngine?: (memory: WebAssembly.Memory) => Promise<GemmEngine | undefined>;
}

/** Where the module's static data has ended: the job block stands at JOB, constants of the kernels (tables) from 2048 on. */
const STATIC_END = 16384;
const PAGE = 65536;
const MAXIMUM_PAGES = 65536; // 4 GiB, all that 32-bit addresses reach

/** WebAssembly with SIMD; with threads where memory can be shared. Results do not depend on the number of threads. */
export class CpuDevice extends Device {
  readonly kind = "cpu";
  readonly label: string;
  readonly engine: string;
  readonly exact: boolean;
  readonly lost = new Promise<never>(() => {});
  readonly threads: number;
  readonly #memory: WebAssembly.Memory;
  readonly #heap: Heap;
  readonly #pool: Pool;
  readonly #gemm: GemmEngine | undefined;

  private constructor(module: WebAssembly.Module, memory: WebAssembly.Memory, threads: number, spawn?: SpawnWorker, gemm?: GemmEngine) {
    super();
    this.#memory = memory;
    this.#gemm = gemm;
    this.threads = threads;
    const scratch = STATIC_END;
    this.#heap = new Heap(memory, scratch + threads * SCRATCH_BYTES, MAXIMUM_PAGES);
    this.#pool = new Pool(module, memory, threads, scratch, spawn, gemm?.helper);
    this.engine = gemm ? gemm.name : "wasm";
    this.exact = gemm === undefined;
    this.label = `cpu (WebAssembly SIMD${gemm ? `, ${gemm.name}` : ""}, ${threads} thread${threads === 1 ? "" : "s"})`;
  }

  /** @param modules the module for shared memory and the one for private memory, as bytes */
  static async open(modules: { shared: Uint8Array<ArrayBuffer>; single: Uint8Array<ArrayBuffer> }, { threads = 1, spawn, openEngine }: CpuOptions = {}): Promise<CpuDevice> {
    const seats = spawn && typeof SharedArrayBuffer !== "undefined" ? Math.max(1, threads) : 1;
    const shared = seats > 1 || openEngine !== undefined;
    const initial = Math.ceil((STATIC_END + seats * SCRATCH_BYTES) / PAGE);
    const memory = new WebAssembly.Memory(shared ? { initial, maximum: MAXIMUM_PAGES, shared } : { initial, maximum: MAXIMUM_PAGES });
    const [module, gemm] = await Promise.all([WebAssembly.compile(shared ? modules.shared : modules.single), openEngine?.(memory)]);
    return new CpuDevice(module, memory, seats, spawn, gemm);
  }

  /** Whether a dense product of this size is another engine's, which takes it with either side transposed. */
  hasGemm(size: Pick<Gemm, "M" | "N" | "K">): boolean {
    return this.#gemm?.pays(size) ?? false;
  }

  get bytesInUse(): number {
    return this.#heap.bytesInUse;
  }

  allocate(bytes: number): CpuStorage {
    return { bytes, references: 0, address: this.#heap.allocate(bytes) };
  }

  free(storage: Storage): void {
    this.#heap.free((storage as CpuStorage).address);
  }

  write(tensor: Tensor, data: HostArray): void {
    this.view(tensor).set(data);
  }

  clear(tensor: Tensor): void {
    this.view(tensor).fill(0);
  }

  read(tensor: Tensor): Promise<Float32Array | Int32Array | Uint32Array> {
    return Promise.resolve(this.#host(tensor).data.slice());
  }

  /** The elements in place. Never keep it past the next allocation: growing the memory detaches it. */
  view(tensor: Tensor): HostArray {
    const views: Record<DType, new (buffer: ArrayBufferLike, offset: number, length: number) => HostArray> = { f32: Float32Array, f16: Uint16Array, i32: Int32Array, u32: Uint32Array };
    const storage = tensor.storage as CpuStorage;
    return new views[tensor.dtype](this.#memory.buffer, storage.address, storage.bytes / bytesOf[tensor.dtype]);
  }

  run(op: Op, inputs: Readonly<Record<string, Tensor>>, outputs: Readonly<Record<string, Tensor>>, params: object): void {
    const product = this.#gemm && op.gemm?.(inputs as never, outputs as never, params as never);
    if (product && this.hasGemm(product)) {
      this.#gemm!.run(product, this.#pool);
    } else if (op.wasm) {
      const calls = op.wasm(inputs as never, outputs as never, params as never);
      for (const call of Array.isArray(calls) ? calls : [calls]) this.#pool.run(call);
    } else {
      const hosts = (tensors: Readonly<Record<string, Tensor>>) => Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, this.#host(tensor)]));
      op.reference(hosts(inputs) as never, hosts(outputs) as never, params as never);
    }
  }

  protected lookAt(tensor: Tensor, from: Result): void {
    const { data } = this.#host(tensor);
    const at = data.findIndex((value: number) => !Number.isFinite(value));
    if (at >= 0) throw notFinite(from, tensor, `${data[at]} at element ${at}`);
  }

  #host(tensor: Tensor): Host<Float32Array | Int32Array | Uint32Array> {
    const view = this.view(tensor);
    return { shape: tensor.shape, data: view instanceof Uint16Array ? widenF16(view) : view };
  }

  idle(): Promise<void> {
    return Promise.resolve();
  }

  dispose(): void {
    this.#gemm?.close(); // first: threads of the pool may still load it
    this.#pool.close();
  }
}
