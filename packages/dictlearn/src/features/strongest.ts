import { encodeTopK, sliceRows, type Tensor } from "@dictlearn/kernels";

/** The largest products of some rows, largest first: of row r those from r * k on; an index is past the end where fewer are > 0. */
export interface Strongest {
  k: number;
  index: Uint32Array; //  [R,k]
  values: Float32Array; // [R,k]; 0 where there are no more
}

/** Rows of one turn: long enough to be busy, short enough to tell how far it is. */
const turn = 1024;

/**
 * Of each row the k columns with which its product is largest, and > 0. [R,N] is never whole in memory.
 * @param rows f32[R,D]
 * @param columns f32[N,D]
 * @param onRows told of every 1024 rows that are done
 */
export async function strongest(rows: Tensor, columns: Tensor, k: number, onRows: (rows: number) => void = () => {}): Promise<Strongest> {
  const { device } = rows;
  const [R, N] = [rows.shape[0], columns.shape[0]];
  const found: Strongest = { k, index: new Uint32Array(R * k), values: new Float32Array(R * k) };
  for (let start = 0; start < R; start += turn) {
    const end = Math.min(R, start + turn);
    const { index, values } = await device.scope(() => encodeTopK(sliceRows(rows, { start, end }), columns, device.zeros([N]), { k: Math.min(k, N) }).read());
    const each = Math.min(k, N);
    for (let r = 0; r < end - start; r++) {
      const order = Array.from({ length: each }, (_, i) => r * each + i).sort((a, b) => values[b] - values[a] || index[a] - index[b]);
      order.forEach((from, i) => {
        found.index[(start + r) * k + i] = index[from];
        found.values[(start + r) * k + i] = values[from];
      });
    }
    onRows(end - start);
  }
  return found;
}
