import { type Device, type Tensor } from "@dictlearn/kernels";

/** How many columns are turned at a time: their rows stay in the cache until they are full. */
const block = 64;

/** A decoder that goes to the device when it is first needed: whoever only encodes never pays for it. */
export class Decoder {
  #rows?: Tensor;

  /**
   * @param columns f32[D,F], as files have it: one column a feature; kept, not changed
   * @param norms f32[F] that the columns are divided by
   */
  constructor(
    readonly device: Device,
    readonly D: number,
    readonly F: number,
    private readonly columns: Float32Array,
    private readonly norms?: Float32Array,
  ) {}

  /** f32[F,D]: one row a feature, so that decoding reads only the rows that are active. */
  get rows(): Tensor {
    return (this.#rows ??= this.device.keep(this.device.tensor(this.#turned(), [this.F, this.D])));
  }

  #turned(): Float32Array {
    const { D, F, columns, norms } = this;
    const rows = new Float32Array(F * D);
    for (let from = 0; from < F; from += block) {
      const to = Math.min(F, from + block);
      for (let d = 0; d < D; d++) for (let f = from; f < to; f++) rows[f * D + d] = columns[d * F + f];
    }
    if (norms) for (let f = 0; f < F; f++) for (let at = f * D; at < (f + 1) * D; at++) rows[at] /= norms[f];
    return rows;
  }

  dispose(): void {
    this.#rows?.dispose();
  }
}
