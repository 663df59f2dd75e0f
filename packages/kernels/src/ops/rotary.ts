import { address, f64Bits } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";

const ROWS = 16;

interface Rotation {
  heads: number;
  dims: number;
  base: number;
}

/**
 * cos and sin of position times a frequency, in WGSL, whose own sin and cos may be off by 2^-11. The angle in turns is
 * a fixed-point product: the frequency has 48 bits, the product wraps at one turn, so no position loses accuracy.
 */
const wgslCosSin = ({ dims, base }: Rotation): string => {
  const turns = Array.from({ length: Math.max(1, dims / 2) }, (_, i) => {
    const fixed = Math.round(((base ** ((-2 * i) / Math.max(dims, 1)) / (2 * Math.PI)) % 1) * 2 ** 48) % 2 ** 48;
    return `vec2u(${Math.floor(fixed / 2 ** 16)}u, ${fixed % 2 ** 16}u)`;
  });
  return `
const TURNS = array<vec2u, ${turns.length}>(${turns.join(", ")});
fn cosSin(position: u32, i: u32) -> vec2f {
  let f = TURNS[i];
  let turn = position * f.x + (position >> 16u) * f.y + (((position & 0xffffu) * f.y) >> 16u); // of 2^32
  let quarter = (turn + 0x20000000u) >> 30u;
  let r = f32(bitcast<i32>(turn - (quarter << 30u))) * 1.4629180792671596e-9; // -π/4..π/4
  let z = r * r;
  let s = r + r * z * (-1.6666654611e-1 + z * (8.3321608736e-3 - z * 1.9515295891e-4)); // Cephes' sinf and cosf
  let c = 1.0 - 0.5 * z + z * z * (4.166664568298827e-2 + z * (-1.388731625493765e-3 + z * 2.443315711809948e-5));
  let turned = select(vec2f(c, s), vec2f(-s, c), (quarter & 1u) == 1u);
  return select(turned, -turned, (quarter & 2u) == 2u);
}`;
};

const op = defineOp<{ x: Float32Array; positions: Uint32Array }, { y: Float32Array }, Rotation>({
  name: "rotary",
  outputs({ x, positions }, { heads, dims }) {
    expectShape("rotary", "x", x, ["f32"], ["N", "D"]);
    expectShape("rotary", "positions", positions, ["u32"], [x.shape[0]], `x is ${describe(x)}`);
    const d = x.shape[1] / heads;
    if (!Number.isInteger(d)) throw new ShapeError(`rotary: expected x f32[N,D] with D a multiple of ${heads} heads, got ${describe(x)}`);
    if (dims % 2 || dims < 0 || dims > d) throw new ShapeError(`rotary: expected dims even and at most ${d}, got ${dims} (x is ${describe(x)}, ${heads} heads)`);
    return { y: { dtype: "f32", shape: x.shape } };
  },
  reference({ x, positions }, { y }, { heads, dims, base }) {
    const [N, D] = x.shape as [number, number];
    const half = dims / 2;
    y.data.set(x.data);
    for (let n = 0; n < N; n++)
      for (let h = 0; h < heads; h++)
        for (let i = 0; i < half; i++) {
          const angle = positions.data[n] * base ** ((-2 * i) / dims);
          const first = n * D + (h * D) / heads + i;
          const [x1, x2] = [x.data[first], x.data[first + half]];
          y.data[first] = x1 * Math.cos(angle) - x2 * Math.sin(angle);
          y.data[first + half] = x2 * Math.cos(angle) + x1 * Math.sin(angle);
        }
  },
  wasm: ({ x, positions }, { y }, { heads, dims, base }) => ({
    kernel: "rotary",
    args: [address(x), address(positions), address(y), x.shape[0], heads, x.shape[1] / heads, dims, 0, ...f64Bits(base ** (-2 / Math.max(dims, 1)))],
    tasks: Math.ceil(x.shape[0] / ROWS),
  }),
  wgsl: ({ x, positions }, { y }, options) => ({
    code:
      wgslCosSin(options) +
      eachElement(`
  let column = index % p.d;
  if (column >= 2u * p.half) { y[index] = x[index]; return; }
  let turn = cosSin(positions[index / p.D], column % p.half);
  if (column < p.half) { y[index] = x[index] * turn.x - x[index + p.half] * turn.y; }
  else { y[index] = x[index] * turn.x + x[index - p.half] * turn.y; }`),
    read: { x, positions },
    write: { y },
    u32: { n: y.size, D: x.shape[1], d: x.shape[1] / options.heads, half: options.dims / 2 },
    workgroups: grid(Math.ceil(y.size / 256)),
  }),
});

/**
 * Rotary position embedding: in each head the first `dims` columns are two halves x1, x2, and pair i turns by
 * position * base^(-2i/dims) radians; the other columns are copied. cos and sin are right to 4e-7 at
 * any position up to 2^24.
 * @param x f32[N,D], D = heads * d
 * @param positions u32[N]
 * @param options.dims even, at most d (Pythia: d/4)
 * @returns f32[N,D]
 * @throws ShapeError `rotary: expected dims even and at most 64, got 65 (x is f32[4,512], 8 heads)`
 * @see Su et al. 2021, "RoFormer", §3.2; halves instead of neighbours as in GPT-NeoX
 */
export const rotary = (x: Tensor, positions: Tensor, options: Rotation): Tensor => op({ x, positions }, options).y;
