import { CpuDevice } from "../cpu/cpuDevice.js";
import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { acrossLanes } from "../webgpu/dispatch.js";
import { div, sub } from "./elementwise.js";
import { linear } from "./linear.js";
import { normRows } from "./norms.js";
import { repeat } from "./repeat.js";
import { sum, sumColumns } from "./sums.js";
import { transpose } from "./transpose.js";
import { shift } from "./unary.js";

const settle = defineOp<{ guess: Float32Array; settled: Uint32Array; next: Float32Array }, object, { tolerance: number }>({
  name: "settleInto",
  writes: ["guess", "settled"],
  outputs: () => ({}),
  reference({ guess, settled, next }, _, { tolerance }) {
    if (settled.data[0]) return;
    let moved = 0;
    for (let d = 0; d < guess.data.length; d++) moved += (next.data[d] - guess.data[d]) ** 2;
    guess.data.set(next.data);
    settled.data[0] = Math.sqrt(moved) < tolerance ? 1 : 0;
  },
  wasm: ({ guess, settled, next }, _, { tolerance }) => ({ kernel: "settleInto", args: [address(guess), address(settled), address(next), guess.size, f32Bits(tolerance)], tasks: 1 }),
  wgsl: ({ guess, settled, next }, _, { tolerance }) => ({
    code: `${acrossLanes("total", "a + b")}
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  let done = settled[0];
  var part = 0.0;
  for (var d = lane; d < p.n; d += 64u) {
    let moved = next[d] - guess[d];
    part += moved * moved;
    if (done == 0u) { guess[d] = next[d]; }
  }
  let moved = sqrt(total(lane, part));
  if (lane == 0u && done == 0u) { settled[0] = select(0u, 1u, moved < p.tolerance); }
}`,
    read: { next },
    write: { guess, settled },
    u32: { n: guess.size },
    f32: { tolerance },
    workgroups: [1],
  }),
});

/**
 * The point with the least sum of distances to the rows, by Weiszfeld's iteration from their mean: each step is the mean
 * weighted by 1 / distance, until one moves less than the tolerance. On webgpu all steps are enqueued and those past the
 * end change nothing, so that nothing is read back. A row at the guess itself counts as one at a distance of 1e-20.
 * @param x f32[N,D], N >= 1
 * @param iterations at most; dictionary_learning has 100
 * @param tolerance distance; dictionary_learning has 1e-5
 * @returns f32[D]
 * @see Weiszfeld 1937, "Sur le point pour lequel la somme des distances de n points donnés est minimum"
 */
export function geometricMedian(x: Tensor, { iterations, tolerance }: { iterations: number; tolerance: number }): Tensor {
  expectShape("geometricMedian", "x", x, ["f32"], ["N", "D"]);
  const [N, D] = x.shape;
  if (N === 0) throw new ShapeError(`geometricMedian: expected x f32[N,D] with N >= 1, got ${describe(x)}`);
  const { device } = x;
  return device.scope(() => {
    const columns = transpose(x);
    const ones = shift(device.zeros([N]), 1);
    const guess = repeat(sumColumns(x), [D], 1 / N);
    const settled = device.zeros([1], "u32");
    for (let i = 0; i < iterations; i++) {
      device.scope(() => {
        const weights = div(ones, shift(normRows(sub(x, guess)), 1e-20));
        const next = linear(div(weights, sum(weights)).reshape([1, N]), columns).reshape([D]);
        settle({ guess, settled, next }, { tolerance });
      });
      if (device instanceof CpuDevice && device.view(settled)[0]) break;
    }
    return guess;
  });
}
