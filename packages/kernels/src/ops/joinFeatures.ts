import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { SparseFeatures } from "../sparse.js";
import { describe } from "../tensor.js";
import { eachElement, eachRow, grid } from "../webgpu/dispatch.js";
import { sliceRows } from "./copyRows.js";

const ROWS = 8;

/** Of parts side by side, where each row begins is the sum of where it begins in them. */
const addStarts = defineOp<{ rowStart: Uint32Array; more: Uint32Array }, object>({
  name: "addStartsInto",
  writes: ["rowStart"],
  outputs({ rowStart, more }) {
    expectShape("addStartsInto", "rowStart", rowStart, ["u32"], ["B+1"]);
    expectShape("addStartsInto", "more", more, ["u32"], rowStart.shape, `rowStart is ${describe(rowStart)}`);
    return {};
  },
  reference({ rowStart, more }) {
    for (let b = 0; b < rowStart.data.length; b++) rowStart.data[b] += more.data[b];
  },
  wasm: ({ rowStart, more }) => ({ kernel: "addStartsInto", args: [address(rowStart), address(more), rowStart.size], tasks: 1 }),
  wgsl: ({ rowStart, more }) => ({ code: eachElement("rowStart[index] += more[index];"), read: { more }, write: { rowStart }, u32: { n: rowStart.size }, workgroups: grid(Math.ceil(rowStart.size / 256)) }),
});

interface Entries {
  rowStart: Uint32Array;
  index: Uint32Array;
  values: Float32Array;
}

/** Entries of a part to where `next` says, row by row, and `next` on behind them. */
const place = defineOp<{ next: Uint32Array; index: Uint32Array; values: Float32Array } & { [K in keyof Entries as `from${Capitalize<K>}`]: Entries[K] }, object, { first: number }>({
  name: "placeEntriesInto",
  writes: ["next", "index", "values"],
  outputs({ next, index, values, fromRowStart, fromIndex, fromValues }) {
    expectShape("placeEntriesInto", "next", next, ["u32"], ["B"]);
    expectShape("placeEntriesInto", "values", values, ["f32"], index.shape, `index is ${describe(index)}`);
    expectShape("placeEntriesInto", "fromRowStart", fromRowStart, ["u32"], [next.size + 1], `next is ${describe(next)}`);
    expectShape("placeEntriesInto", "fromValues", fromValues, ["f32"], fromIndex.shape, `fromIndex is ${describe(fromIndex)}`);
    return {};
  },
  reference({ next, index, values, fromRowStart, fromIndex, fromValues }, _, { first }) {
    for (let b = 0; b < next.data.length; b++)
      for (let e = fromRowStart.data[b]; e < fromRowStart.data[b + 1]; e++) {
        index.data[next.data[b]] = first + fromIndex.data[e];
        values.data[next.data[b]++] = fromValues.data[e];
      }
  },
  wasm: ({ next, index, values, fromRowStart, fromIndex, fromValues }, _, { first }) => ({
    kernel: "placeEntriesInto",
    args: [...[next, index, values, fromRowStart, fromIndex, fromValues].map(address), next.size, index.size, fromIndex.size, first],
    tasks: Math.ceil(next.size / ROWS),
  }),
  wgsl: ({ next, index, values, fromRowStart, fromIndex, fromValues }, _, { first }) => ({
    code: eachRow(`
  let start = fromRowStart[row];
  let count = fromRowStart[row + 1u] - start;
  let to = next[row];
  for (var e = lane; e < count; e += 64u) {
    columns[to + e] = p.first + fromColumns[start + e];
    values[to + e] = bitcast<u32>(fromValues[start + e]);
  }
  storageBarrier();
  if (lane == 0u) { next[row] = to + count; }`),
    read: { fromRowStart, fromColumns: fromIndex, fromValues },
    write: { next, columns: index, values: { tensor: values, as: "u32" } },
    u32: { rows: next.size, first },
    workgroups: grid(next.size),
  }),
});

/**
 * The features of several dictionaries, or of parts of one, side by side: those of the second behind those of the first.
 * @param parts at least one; sparse [B,F₁], [B,F₂], …
 * @returns sparse features [B,F₁+F₂+…], copies
 * @throws ShapeError `joinFeatures: expected parts of as many rows, got 4 and 5`
 */
export function joinFeatures(parts: readonly SparseFeatures[]): SparseFeatures {
  const [B] = parts[0]!.shape;
  const other = parts.find(({ shape }) => shape[0] !== B);
  if (other) throw new ShapeError(`joinFeatures: expected parts of as many rows, got ${B} and ${other.shape[0]}`);
  const { device } = parts[0]!.index;
  return device.scope(() => {
    const rowStart = device.zeros([B + 1], "u32");
    for (const part of parts) addStarts({ rowStart, more: part.rowStart }, {});
    const next = sliceRows(rowStart.reshape([B + 1, 1]), { start: 0, end: B }).reshape([B]);
    const capacity = parts.reduce((sum, { index }) => sum + index.size, 0);
    const [index, values] = [device.empty("u32", [capacity]), device.empty("f32", [capacity])];
    let first = 0;
    for (const part of parts) {
      place({ next, index, values, fromRowStart: part.rowStart, fromIndex: part.index, fromValues: part.values }, { first });
      first += part.shape[1];
    }
    return new SparseFeatures([B, first], rowStart, index, values);
  });
}
