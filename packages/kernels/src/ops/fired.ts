import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import type { SparseFeatures } from "../sparse.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid, type Dispatch } from "../webgpu/dispatch.js";

const CHUNK = 8192;
const MOST = 2 ** 32 - 1;

const firedOp = defineOp<{ rowStart: Uint32Array; index: Uint32Array; values: Float32Array }, { fired: Uint32Array }, { F: number; positive: boolean }>({
  name: "firedFeatures",
  outputs({ rowStart, index, values }, { F }) {
    expectShape("firedFeatures", "rowStart", rowStart, ["u32"], ["B+1"]);
    expectShape("firedFeatures", "values", values, ["f32"], index.shape, `index is ${describe(index)}`);
    return { fired: { dtype: "u32", shape: [F] } };
  },
  reference({ rowStart, index, values }, { fired }, { positive }) {
    fired.data.fill(0);
    for (let e = 0; e < rowStart.data.at(-1)!; e++) if (!positive || values.data[e] > 0) fired.data[index.data[e]] = 1;
  },
  wasm: ({ rowStart, index, values }, { fired }, { F, positive }) => ({ kernel: "firedFeatures", args: [address(rowStart) + 4 * (rowStart.size - 1), address(index), address(values), address(fired), index.size, F, positive ? 1 : 0], tasks: 1 }),
  // every thread that writes a flag writes the same
  wgsl: ({ rowStart, index, values }, { fired }, { F, positive }): Dispatch[] => [
    { code: eachElement("fired[index] = 0u;"), write: { fired }, u32: { n: F }, workgroups: grid(Math.ceil(F / 256)) },
    {
      code: eachElement(`if (index < rowStart[p.B]${positive ? " && values[index] > 0.0" : ""}) { atomicStore(&fired[columns[index]], 1u); }`),
      read: { rowStart, columns: index, ...(positive && { values }) },
      write: { fired: { tensor: fired, as: "atomic<u32>" } },
      u32: { n: index.size, B: rowStart.size - 1 },
      workgroups: grid(Math.ceil(index.size / 256)),
    },
  ],
});

const trackOp = defineOp<{ counters: Uint32Array; fired: Uint32Array }, object, { n: number }>({
  name: "trackFiredInto",
  writes: ["counters"],
  outputs({ counters, fired }) {
    expectShape("trackFiredInto", "counters", counters, ["u32"], ["F"]);
    expectShape("trackFiredInto", "fired", fired, ["u32"], counters.shape, `counters is ${describe(counters)}`);
    return {};
  },
  reference({ counters, fired }, _, { n }) {
    for (let f = 0; f < counters.data.length; f++) counters.data[f] = fired.data[f] ? 0 : Math.min(MOST, counters.data[f] + n);
  },
  wasm: ({ counters, fired }, _, { n }) => ({ kernel: "trackFiredInto", args: [address(counters), address(fired), counters.size, n], tasks: Math.ceil(counters.size / CHUNK) }),
  wgsl: ({ counters, fired }, _, { n }) => ({
    code: eachElement("counters[index] = select(counters[index] + min(p.by, 0xffffffffu - counters[index]), 0u, fired[index] != 0u);"),
    read: { fired },
    write: { counters },
    u32: { n: counters.size, by: n },
    workgroups: grid(Math.ceil(counters.size / 256)),
  }),
});

const atLeastOp = defineOp<{ counters: Uint32Array }, { mask: Uint32Array }, { least: number }>({
  name: "atLeast",
  outputs({ counters }) {
    expectShape("atLeast", "counters", counters, ["u32"], ["F"]);
    return { mask: { dtype: "u32", shape: counters.shape } };
  },
  reference({ counters }, { mask }, { least }) {
    for (let f = 0; f < counters.data.length; f++) mask.data[f] = counters.data[f] >= least ? 1 : 0;
  },
  wasm: ({ counters }, { mask }, { least }) => ({ kernel: "atLeast", args: [address(counters), address(mask), counters.size, least], tasks: Math.ceil(counters.size / CHUNK) }),
  wgsl: ({ counters }, { mask }, { least }) => ({
    code: eachElement("mask[index] = u32(counters[index] >= p.least);"),
    read: { counters },
    write: { mask },
    u32: { n: counters.size, least },
    workgroups: grid(Math.ceil(counters.size / 256)),
  }),
});

/**
 * Which features any row has.
 * @param features sparse [B,F]
 * @param options.positive count only entries > 0; else an entry of value 0 counts too
 * @returns u32[F]: 1 or 0
 */
export const firedFeatures = ({ shape, rowStart, index, values }: SparseFeatures, { positive }: { positive: boolean }): Tensor => firedOp({ rowStart, index, values }, { F: shape[1], positive }).fired;

/**
 * Counts on since when each feature has been silent: 0 where it fired, else n more, up to 2³² - 1.
 * @param counters u32[F], changed in place
 * @param fired u32[F]
 * @param options.n tokens, or steps, that have passed: a whole number below 2³²
 */
export const trackFiredInto = (counters: Tensor, fired: Tensor, options: { n: number }): void => void trackOp({ counters, fired }, options);

/** Where a counter has reached `least`: the dead features. @param counters u32[F] @param options.least a whole number below 2³² @returns u32[F]: 1 or 0 */
export const atLeast = (counters: Tensor, options: { least: number }): Tensor => atLeastOp({ counters }, options).mask;
