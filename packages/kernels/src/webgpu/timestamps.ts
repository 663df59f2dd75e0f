/** What WebGPU lets a query set have. */
const SET = 4096;

/** When compute passes began and ended, by the GPU's clock. */
export class Timestamps {
  readonly #sets: GPUQuerySet[] = [];
  #passes = 0;

  /** @param device with the feature `timestamp-query` */
  constructor(private readonly device: GPUDevice) {}

  /** For the descriptor of the next pass. */
  next(): GPUComputePassTimestampWrites {
    const at = (2 * this.#passes++) % SET;
    if (at === 0) this.#sets.push(this.device.createQuerySet({ type: "timestamp", count: SET }));
    return { querySet: this.#sets.at(-1)!, beginningOfPassWriteIndex: at, endOfPassWriteIndex: at + 1 };
  }

  /** Waits for the passes and forgets them. @returns seconds of each, in order; 0 for one that never began */
  async read(): Promise<number[]> {
    const times: number[] = [];
    for (const set of this.#sets.splice(0)) {
      const size = 8 * SET;
      const resolved = this.device.createBuffer({ size, usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC });
      const staging = this.device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
      const encoder = this.device.createCommandEncoder();
      encoder.resolveQuerySet(set, 0, SET, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
      this.device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      const stamps = new BigUint64Array(staging.getMappedRange());
      for (let i = 0; i < SET && times.length < this.#passes; i += 2) times.push(Number(stamps[i + 1] - stamps[i]) / 1e9);
      for (const one of [resolved, staging, set]) one.destroy();
    }
    this.#passes = 0;
    return times;
  }
}
