import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";

// From dense pre-activations to sparse entries in three ops, row tile by row tile, with no readback between them:
// count each row's active entries, run the offsets on, write the entries to their places.
// Active means > 0 or NaN: a NaN must not vanish as if the feature were off.
const active = (v: number): boolean => !(v <= 0);

const countOp = defineOp<{ x: Float32Array }, { counts: Uint32Array }>({
  name: "countPositive",
  outputs({ x }) {
    expectShape("countPositive", "x", x, ["f32"], ["R", "F"]);
    return { counts: { dtype: "u32", shape: [x.shape[0]] } };
  },
  reference({ x }, { counts }) {
    const [R, F] = x.shape as [number, number];
    for (let r = 0; r < R; r++) {
      counts.data[r] = 0;
      for (let f = 0; f < F; f++) if (active(x.data[r * F + f])) counts.data[r]++;
    }
  },
});

const scanOp = defineOp<{ rowStart: Uint32Array; counts: Uint32Array }, object, { at: number }>({
  name: "scanInto",
  writes: ["rowStart"],
  outputs({ rowStart, counts }, { at }) {
    expectShape("scanInto", "rowStart", rowStart, ["u32"], ["B+1"]);
    expectShape("scanInto", "counts", counts, ["u32"], ["R"]);
    if (!(at >= 0 && at + counts.size < rowStart.size)) throw new ShapeError(`scanInto: expected rows ${at} to ${at + counts.size} inside ${rowStart.size - 1} (rowStart is ${describe(rowStart)})`);
    return {};
  },
  reference({ rowStart, counts }, _, { at }) {
    for (let r = 0; r < counts.data.length; r++) rowStart.data[at + r + 1] = rowStart.data[at + r] + counts.data[r];
  },
});

const compactOp = defineOp<{ index: Uint32Array; values: Float32Array; x: Float32Array; rowStart: Uint32Array }, object, { at: number }>({
  name: "compactInto",
  writes: ["index", "values"],
  outputs({ index, values, x, rowStart }, { at }) {
    expectShape("compactInto", "index", index, ["u32"], ["capacity"]);
    expectShape("compactInto", "values", values, ["f32"], index.shape, `index is ${describe(index)}`);
    expectShape("compactInto", "x", x, ["f32"], ["R", "F"]);
    expectShape("compactInto", "rowStart", rowStart, ["u32"], ["B+1"]);
    if (!(at >= 0 && at + x.shape[0] < rowStart.size)) throw new ShapeError(`compactInto: expected rows ${at} to ${at + x.shape[0]} inside ${rowStart.size - 1} (rowStart is ${describe(rowStart)})`);
    return {};
  },
  reference({ index, values, x, rowStart }, _, { at }) {
    const [R, F] = x.shape as [number, number];
    for (let r = 0; r < R; r++) {
      let e = rowStart.data[at + r];
      for (let f = 0; f < F; f++)
        if (active(x.data[r * F + f])) {
          index.data[e] = f;
          values.data[e++] = x.data[r * F + f];
        }
    }
  },
});

/** How many entries of each row are > 0 or NaN. @param x f32[R,F] @returns u32[R] */
export const countPositive = (x: Tensor): Tensor => countOp({ x }, {}).counts;

/**
 * Runs offsets on: rowStart[at+1+r] = rowStart[at] + counts[0] + ... + counts[r].
 * @param rowStart u32[B+1], changed in place; rowStart[at] is there already
 * @param counts u32[R]
 */
export const scanInto = (rowStart: Tensor, counts: Tensor, options: { at: number }): void => void scanOp({ rowStart, counts }, options);

/**
 * Writes the entries of x that are > 0 or NaN, in order of their columns, from place rowStart[at+r] on.
 * @param index u32[capacity], values f32[capacity]: changed in place; what would lie past them is not written
 * @param x f32[R,F]
 * @param rowStart u32[B+1]
 */
export const compactInto = (index: Tensor, values: Tensor, x: Tensor, rowStart: Tensor, options: { at: number }): void => void compactOp({ index, values, x, rowStart }, options);
