import { copyRowsInto, mul, transpose, type Device, type Tensor } from "@dictlearn/kernels";
import { Columns, rowsOf, type Matrix } from "./matrix.js";

/** What is turned at a time: little enough that columns and rows stay in the device's caches. */
const turnedBytes = 2 ** 22;
/** From so many rows on an encoder's own rows pay at once: encoders screen them. */
const few = 128;

/** Some features of an encoder. */
export interface Part {
  start: number;
  end: number;
  /** f32[end-start,D] */
  rows: Tensor;
}

/**
 * An encoder on its device. One that lies by columns is turned there, and on cpu not before it has to be: of the first few
 * rows each part of it may be turned, used and forgotten, which costs half of making the whole, and its memory.
 */
export class Encoder {
  #rows: Tensor | undefined;
  /** Until its rows are made. */
  #columns: Columns | undefined;
  #used = false;

  constructor(
    readonly device: Device,
    matrix: Matrix,
    readonly F: number,
    readonly D: number,
  ) {
    if (!(matrix instanceof Columns) || matrix.norms) this.#rows = device.keep(device.tensor(rowsOf(matrix), [F, D]));
    else if (device.kind === "cpu") this.#columns = matrix;
    else this.#make(matrix);
  }

  /** f32[F,D]; from here on it stays. */
  get rows(): Tensor {
    return this.#rows ?? this.#make(this.#columns!);
  }

  /** What `body` gives of each part, in their order: of the first rows, where these are few, else undefined. */
  once<R>(B: number, body: (part: Part) => R): R[] | undefined {
    if (!this.#columns || this.#used || B >= few) return undefined;
    this.#used = true;
    return this.#parts(this.#columns, body);
  }

  dispose(): void {
    this.#rows?.dispose();
    this.#columns = undefined;
  }

  #make(columns: Columns): Tensor {
    const rows = this.device.keep(this.device.empty("f32", [this.F, this.D]));
    this.#parts(columns, (part) => copyRowsInto(rows, part.rows, { at: part.start }));
    this.#columns = undefined;
    return (this.#rows = rows);
  }

  #parts<R>({ data, factors }: Columns, body: (part: Part) => R): R[] {
    const { device, F, D } = this;
    const width = Math.max(16, Math.floor(turnedBytes / (4 * D)));
    const room = new Float32Array(D * Math.min(F, width));
    const found: R[] = [];
    for (let start = 0; start < F; start += width) {
      const end = Math.min(F, start + width);
      const n = end - start;
      const columns = room.subarray(0, D * n); //                                      f32[D,n]
      for (let d = 0; d < D; d++) columns.set(data.subarray(d * F + start, d * F + end), d * n);
      found.push(
        device.scope(() => {
          const turned = transpose(device.tensor(columns, [D, n])); //                 f32[n,D]
          return body({ start, end, rows: factors ? mul(turned, device.tensor(factors.subarray(start, end), [n, 1])) : turned });
        }),
      );
    }
    return found;
  }
}
