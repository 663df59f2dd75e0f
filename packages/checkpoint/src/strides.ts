/** A view into a storage, all in elements: element [i,j] lies at offset + i·strides[0] + j·strides[1]. */
export interface StridedView {
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** How many elements a view spans, from its first to behind its last. */
export function spanOf({ shape, strides }: StridedView): number {
  return shape.includes(0) ? 0 : shape.reduce((span, size, axis) => span + (size - 1) * strides[axis], 1);
}

export function isContiguous({ shape, strides }: StridedView): boolean {
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== step) return false;
    step *= shape[axis];
  }
  return true;
}

const words = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: BigUint64Array } as const;

/** Elements of a row copied before the next row's: a transposed view reads as many cache lines, and again for the rows that follow. */
const block = 64;

/**
 * Copies a view into row-major order.
 * @param span the bytes that the view spans, its first element at 0
 * @param elementBytes 1, 2, 4 or 8
 */
export function makeContiguous(span: ArrayBuffer, view: StridedView, elementBytes: 1 | 2 | 4 | 8): ArrayBuffer {
  const { shape, strides } = view;
  const from = new words[elementBytes](span);
  const to = new words[elementBytes](shape.reduce((a, b) => a * b, 1));
  const last = shape.length - 1;
  const stride = strides[last];
  for (let first = 0; first < shape[last]; first += block) {
    const end = Math.min(shape[last], first + block);
    const index = shape.map(() => 0);
    for (let row = 0, start = 0; row < to.length; row += shape[last]) {
      for (let i = first; i < end; i++) to[row + i] = from[start + i * stride];
      for (let axis = last - 1; axis >= 0; axis--) {
        start += strides[axis];
        if (++index[axis] < shape[axis]) break;
        start -= shape[axis] * strides[axis];
        index[axis] = 0;
      }
    }
  }
  return to.buffer;
}
