import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";

// Features in groups of neighbours: group g has the features below ends[g] that no group before has. Row b of sparse features
// [B,F] falls into G rows b*G+g, one a group, since its indices ascend: the entries stay where they are.

const CHUNK = 8192;

const splitOp = defineOp<{ rowStart: Uint32Array; index: Uint32Array; ends: Uint32Array }, { y: Uint32Array }>({
  name: "splitRows",
  outputs({ rowStart, index, ends }) {
    expectShape("splitRows", "rowStart", rowStart, ["u32"], ["B+1"]);
    expectShape("splitRows", "index", index, ["u32"], ["capacity"]);
    expectShape("splitRows", "ends", ends, ["u32"], ["G"]);
    return { y: { dtype: "u32", shape: [(rowStart.size - 1) * ends.size + 1] } };
  },
  reference({ rowStart, index, ends }, { y }) {
    const G = ends.data.length;
    y.data[0] = rowStart.data[0];
    for (let b = 0; b + 1 < rowStart.data.length; b++)
      for (let g = 0; g < G; g++) y.data[b * G + g + 1] = rowStart.data[b] + index.data.subarray(rowStart.data[b], rowStart.data[b + 1]).filter((f) => g === G - 1 || f < ends.data[g]).length;
  },
  wasm: ({ rowStart, index, ends }, { y }) => ({ kernel: "splitRows", args: [address(rowStart), address(index), address(ends), address(y), y.size - 1, ends.size, index.size], tasks: 1 }),
  // how many of a row's indices are below the end of the group: by halves
  wgsl: ({ rowStart, index, ends }, { y }) => ({
    code: eachElement(`
  let b = index / p.G;
  let g = index % p.G;
  var low = rowStart[b];
  var high = rowStart[b + 1u];
  if (g == p.G - 1u) { low = high; }
  while (low < high) {
    let middle = (low + high) / 2u;
    if (columns[middle] < ends[g]) { low = middle + 1u; } else { high = middle; }
  }
  y[index + 1u] = low;
  if (index == 0u) { y[0] = rowStart[0]; }`),
    read: { rowStart, columns: index, ends },
    write: { y },
    u32: { n: y.size - 1, G: ends.size },
    workgroups: grid(Math.ceil(Math.max(1, y.size - 1) / 256)),
  }),
});

const prefixOp = defineOp<{ parts: Float32Array; bias?: Float32Array }, { y: Float32Array }, { g: number; G: number }>({
  name: "prefixOfGroups",
  outputs({ parts, bias }, { G }) {
    expectShape("prefixOfGroups", "parts", parts, ["f32"], ["B*G", "D"]);
    if (bias) expectShape("prefixOfGroups", "bias", bias, ["f32"], [parts.shape[1]], `parts is ${describe(parts)}`);
    return { y: { dtype: "f32", shape: [parts.shape[0] / G, parts.shape[1]] } };
  },
  reference({ parts, bias }, { y }, { g, G }) {
    const D = parts.shape[1];
    for (let i = 0; i < y.data.length; i++) {
      const [b, d] = [Math.floor(i / D), i % D];
      let sum = bias ? bias.data[d] : 0;
      for (let j = 0; j <= g; j++) sum += parts.data[(b * G + j) * D + d];
      y.data[i] = sum;
    }
  },
  wasm: ({ parts, bias }, { y }, { g, G }) => ({ kernel: "prefixOfGroups", args: [address(parts), bias ? address(bias) : 0, address(y), y.size, y.shape[1], g, G], tasks: Math.ceil(y.size / CHUNK) }),
  wgsl: ({ parts, bias }, { y }, { g, G }) => ({
    code: eachElement(`
  let d = index % p.D;
  var sum = ${bias ? "bias[d]" : "0.0"};
  for (var j = 0u; j <= p.g; j++) { sum += parts[(index / p.D * p.G + j) * p.D + d]; }
  y[index] = sum;`),
    read: { parts, ...(bias && { bias }) },
    write: { y },
    u32: { n: y.size, D: y.shape[1], g, G },
    workgroups: grid(Math.ceil(y.size / 256)),
  }),
});

const suffixOp = defineOp<{ sums: Float32Array; x: Float32Array }, object, { g: number; G: number }>({
  name: "suffixOfGroupsInto",
  writes: ["sums"],
  outputs({ sums, x }, { G }) {
    expectShape("suffixOfGroupsInto", "x", x, ["f32"], ["B", "D"]);
    expectShape("suffixOfGroupsInto", "sums", sums, ["f32"], [x.shape[0] * G, x.shape[1]], `x is ${describe(x)}, ${G} groups`);
    return {};
  },
  reference({ sums, x }, _, { g, G }) {
    const D = x.shape[1];
    for (let i = 0; i < x.data.length; i++) {
      const at = (Math.floor(i / D) * G + g) * D + (i % D);
      sums.data[at] = x.data[i] + (g + 1 < G ? sums.data[at + D] : 0);
    }
  },
  wasm: ({ sums, x }, _, { g, G }) => ({ kernel: "suffixOfGroupsInto", args: [address(sums), address(x), x.size, x.shape[1], g, G], tasks: Math.ceil(x.size / CHUNK) }),
  wgsl: ({ sums, x }, _, { g, G }) => ({
    code: eachElement(`
  let at = (index / p.D * p.G + p.g) * p.D + index % p.D;
  sums[at] = x[index]${g + 1 < G ? " + sums[at + p.D]" : ""};`),
    read: { x },
    write: { sums },
    u32: { n: x.size, D: x.shape[1], g, G },
    workgroups: grid(Math.ceil(x.size / 256)),
  }),
});

/** Where the entries of each row and group begin; the last group has all that is left. @param rowStart u32[B+1] @param index u32[capacity] @param ends u32[G], ascending @returns u32[B*G+1] */
export const splitRows = (rowStart: Tensor, index: Tensor, ends: Tensor): Tensor => splitOp({ rowStart, index, ends }, {}).y;

/** bias + the parts of groups 0 to g: y[b] = bias + Σ parts[b*G+j], j <= g. @param parts f32[B*G,D] @param bias f32[D], or none @returns f32[B,D] */
export const prefixOfGroups = (parts: Tensor, bias: Tensor | undefined, options: { g: number; G: number }): Tensor => prefixOp({ parts, bias }, options).y;

/** sums[b*G+g] = x[b] + sums[b*G+g+1], nothing past the last group: called from the last group to the first. @param sums f32[B*G,D], changed in place @param x f32[B,D] */
export const suffixOfGroupsInto = (sums: Tensor, x: Tensor, options: { g: number; G: number }): void => void suffixOp({ sums, x }, options);
