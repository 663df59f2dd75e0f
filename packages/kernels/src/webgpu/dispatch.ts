import { bytesOf, type Tensor } from "../tensor.js";

/** Part of a tensor as a shader sees it. */
export interface Binding {
  tensor: Tensor;
  /** WGSL element type of the array; default by dtype (f16 tensors appear as `u32`, two halves a word). */
  as?: string;
  /** Bytes; multiples of the device's offset alignment (256). Default: the whole tensor. */
  offset?: number;
  bytes?: number;
}

/** One compute pass. `code` sees the bindings by name and the scalars as `p.name`. */
export interface Dispatch {
  /** WGSL: functions, with one entry point `main`. */
  code: string;
  read?: Record<string, Tensor | Binding>;
  write?: Record<string, Tensor | Binding>;
  u32?: Record<string, number>;
  f32?: Record<string, number>;
  /** Workgroups along x, y, z; each at most 65,535. */
  workgroups: readonly [x: number, y?: number, z?: number];
}

const wgslType = { f32: "f32", f16: "u32", i32: "i32", u32: "u32" } as const;

export const bindingOf = (b: Tensor | Binding): Binding => ("tensor" in b ? b : { tensor: b });

/** The shader's text: declarations generated from the dispatch, then its code. Equal texts share a pipeline. */
export function shaderOf(d: Dispatch): string {
  const declare = (access: string) => ([name, b]: [string, Tensor | Binding]) => {
    const { tensor, as = wgslType[tensor.dtype] } = bindingOf(b);
    return `var<storage, ${access}> ${name}: array<${as}>;`;
  };
  const bindings = [...Object.entries(d.read ?? {}).map(declare("read")), ...Object.entries(d.write ?? {}).map(declare("read_write"))];
  const scalars = [...Object.keys(d.u32 ?? {}).map((name) => `${name}: u32`), ...Object.keys(d.f32 ?? {}).map((name) => `${name}: f32`)];
  const lines = bindings.map((line, i) => `@group(0) @binding(${i}) ${line}`);
  if (scalars.length) lines.push(`struct Scalars { ${scalars.join(", ")} }`, `@group(0) @binding(${bindings.length}) var<uniform> p: Scalars;`);
  return `${lines.join("\n")}\n${d.code}`;
}

/** The scalars as bytes, in the order that `shaderOf` declares them. */
export function scalarsOf(d: Dispatch): ArrayBuffer {
  const u32 = Object.values(d.u32 ?? {});
  const f32 = Object.values(d.f32 ?? {});
  const view = new DataView(new ArrayBuffer(4 * (u32.length + f32.length)));
  u32.forEach((value, i) => view.setUint32(4 * i, value, true));
  f32.forEach((value, i) => view.setFloat32(4 * (u32.length + i), value, true));
  return view.buffer;
}

/** WGSL for one thread an element: `index` is the element; the grid may be two-dimensional past 65,535 workgroups. */
export const eachElement = (body: string): string => `
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let index = (group.y * groups.x + group.x) * 256u + lane;
  if (index >= p.n) { return; }
  ${body}
}`;

/** WGSL for one workgroup of 64 threads a row: `row` and `lane`. */
export const eachRow = (body: string, declarations = ""): string => `
${declarations}
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= p.rows) { return; }
  ${body}
}`;

/**
 * WGSL for a function `name(lane, part)` that all 64 threads of a workgroup call together: `combine` of a and b over
 * their parts, the same to every thread. Eight by eight, since a barrier costs more than a few sums; a second call may
 * follow at once, since what it writes first has been read before the barrier in between.
 */
export const acrossLanes = (name: string, combine: string, type = "f32"): string => `
var<workgroup> ${name}Parts: array<${type}, 64>;
var<workgroup> ${name}Eighths: array<${type}, 8>;
fn ${name}Of(a: ${type}, b: ${type}) -> ${type} { return ${combine}; }
fn ${name}(lane: u32, part: ${type}) -> ${type} {
  ${name}Parts[lane] = part;
  workgroupBarrier();
  if (lane < 8u) {
    var eighth = ${name}Parts[lane];
    for (var i = lane + 8u; i < 64u; i += 8u) { eighth = ${name}Of(eighth, ${name}Parts[i]); }
    ${name}Eighths[lane] = eighth;
  }
  workgroupBarrier();
  var whole = ${name}Eighths[0];
  for (var i = 1u; i < 8u; i++) { whole = ${name}Of(whole, ${name}Eighths[i]); }
  return whole;
}`;

/** A grid of `count` workgroups, folded into two dimensions past the limit of 65,535. */
export function grid(count: number): [number, number] {
  const x = Math.min(count, 65535);
  return [x, x === 0 ? 0 : Math.ceil(count / x)];
}

export const bytes = (tensor: Tensor): number => tensor.size * bytesOf[tensor.dtype];
