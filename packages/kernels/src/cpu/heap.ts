import { KernelError } from "../error.js";

const ALIGN = 64; // a cache line: neighbours never share one, SIMD loads are aligned
const PAGE = 65536;

/** Allocates blocks of a WebAssembly memory: best fit, neighbours merged when freed. */
export class Heap {
  /** Free blocks as [address, bytes], by address. */
  readonly #free: [number, number][] = [];
  readonly #sizes = new Map<number, number>();
  #end: number;
  #used = 0;

  constructor(
    private readonly memory: WebAssembly.Memory,
    start: number,
    private readonly maximumPages: number,
  ) {
    this.#end = align(start);
  }

  get bytesInUse(): number {
    return this.#used;
  }

  /** @throws KernelError when the memory is exhausted, with the sizes */
  allocate(bytes: number): number {
    const size = align(Math.max(bytes, 1));
    let best = -1;
    for (let i = 0; i < this.#free.length; i++) if (this.#free[i]![1] >= size && (best < 0 || this.#free[i]![1] < this.#free[best]![1])) best = i;
    let address: number;
    if (best >= 0) {
      const block = this.#free[best]!;
      address = block[0];
      if (block[1] === size) this.#free.splice(best, 1);
      else this.#free[best] = [address + size, block[1] - size];
    } else {
      const last = this.#free.at(-1);
      address = last && last[0] + last[1] === this.#end ? last[0] : this.#end;
      this.#grow(address + size, bytes);
      if (address !== this.#end) this.#free.pop();
      this.#end = address + size;
    }
    this.#sizes.set(address, size);
    this.#used += size;
    return address;
  }

  free(address: number): void {
    const size = this.#sizes.get(address);
    if (size === undefined) throw new KernelError("DISPOSED", `free: expected an allocated block, got address ${address}`);
    this.#sizes.delete(address);
    this.#used -= size;
    let i = this.#free.findIndex(([start]) => start > address);
    if (i < 0) i = this.#free.length;
    this.#free.splice(i, 0, [address, size]);
    this.#merge(i);
    if (i > 0) this.#merge(i - 1);
  }

  #merge(i: number): void {
    const [a, b] = [this.#free[i]!, this.#free[i + 1]];
    if (b && a[0] + a[1] === b[0]) this.#free.splice(i, 2, [a[0], a[1] + b[1]]);
  }

  #grow(end: number, asked: number): void {
    const pages = Math.ceil(end / PAGE) - this.memory.buffer.byteLength / PAGE;
    if (pages <= 0) return;
    const tooLarge = () =>
      new KernelError("UNSUPPORTED", `cpu: expected to fit in ${(this.maximumPages * PAGE) / 2 ** 20} MiB of WebAssembly memory, got a request for ${Math.ceil(asked / 2 ** 20)} MiB with ${Math.ceil(this.#used / 2 ** 20)} MiB in use`, "use smaller batches or fewer features, or a GPU");
    if (end > this.maximumPages * PAGE) throw tooLarge();
    try {
      this.memory.grow(pages);
    } catch {
      throw tooLarge();
    }
  }
}

const align = (n: number): number => Math.ceil(n / ALIGN) * ALIGN;
