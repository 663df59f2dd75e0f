import { type Device, type Tensor } from "@dictlearn/kernels";
import { rowsOf, type Matrix } from "./matrix.js";

/** A decoder that goes to the device when it is first needed: whoever only encodes never pays for it. */
export class Decoder {
  #rows?: Tensor;

  constructor(
    readonly device: Device,
    readonly O: number,
    readonly F: number,
    private readonly matrix: Matrix,
  ) {}

  /** f32[F,O]: one row a feature, so that decoding reads only the rows that are active. */
  get rows(): Tensor {
    return (this.#rows ??= this.device.keep(this.device.tensor(rowsOf(this.matrix), [this.F, this.O])));
  }

  dispose(): void {
    this.#rows?.dispose();
  }
}
