import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, sizeOf, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";

const CHUNK = 8192;

export interface AdamOptions {
  lr: number;
  beta1: number;
  beta2: number;
  /** Added to √v after bias correction. */
  epsilon: number;
  /** 1 for the first. */
  step: number;
}

/** The bias corrections, in double precision as PyTorch has them. */
function corrected({ lr, beta1, beta2, step }: AdamOptions): { size: number; root: number } {
  return { size: lr / (1 - beta1 ** step), root: Math.sqrt(1 - beta2 ** step) };
}

type Inputs = { parameter: Float32Array; gradient: Float32Array; m: Float32Array; v: Float32Array };

const op = defineOp<Inputs, object, AdamOptions>({
  name: "adamInto",
  writes: ["parameter", "m", "v"],
  outputs({ parameter, gradient, m, v }, { step }) {
    expectShape("adamInto", "parameter", parameter, ["f32"], [...parameter.shape]);
    for (const [name, tensor] of Object.entries({ gradient, m, v })) expectShape("adamInto", name, tensor, ["f32"], parameter.shape, `parameter is ${describe(parameter)}`);
    if (!(Number.isInteger(step) && step >= 1)) throw new ShapeError(`adamInto: expected step 1, 2, ..., got ${step}`);
    return {};
  },
  reference({ parameter, gradient, m, v }, _, options) {
    const { beta1, beta2, epsilon } = options;
    const { size, root } = corrected(options);
    for (let i = 0; i < parameter.data.length; i++) {
      const g = gradient.data[i]!;
      m.data[i] = beta1 * m.data[i]! + (1 - beta1) * g;
      v.data[i] = beta2 * v.data[i]! + (1 - beta2) * g * g;
      parameter.data[i]! -= size * (m.data[i]! / (Math.sqrt(v.data[i]!) / root + epsilon));
    }
  },
  wasm({ parameter, gradient, m, v }, _, options) {
    const { beta1, beta2, epsilon } = options;
    const { size, root } = corrected(options);
    return {
      kernel: "adamInto",
      args: [address(parameter), address(gradient), address(m), address(v), parameter.size, ...[beta1, 1 - beta1, beta2, 1 - beta2, size, root, epsilon].map(f32Bits)],
      tasks: Math.ceil(parameter.size / CHUNK),
    };
  },
  wgsl({ parameter, gradient, m, v }, _, options) {
    const { beta1, beta2, epsilon } = options;
    const [p, g, first, second] = [parameter, gradient, m, v].map((tensor) => rowTiles(tensor)); // of one shape: cut alike
    return p!.map((part, i) => {
      const n = sizeOf(parameter.shape.slice(1)) * (part.end - part.first);
      return {
        code: eachElement(`
  let g = gradient[index];
  let first = m[index] * p.beta1 + g * p.take1;
  let second = v[index] * p.beta2 + g * g * p.take2;
  m[index] = first;
  v[index] = second;
  parameter[index] -= p.size * (first / (sqrt(second) / p.root + p.epsilon));`),
        read: { gradient: g![i]!.binding },
        write: { parameter: part.binding, m: first![i]!.binding, v: second![i]!.binding },
        u32: { n },
        f32: { beta1, take1: 1 - beta1, beta2, take2: 1 - beta2, epsilon, ...corrected(options) },
        workgroups: grid(Math.ceil(n / 256)),
      };
    });
  },
});

/**
 * One step of Adam, in one pass: m and v run on, the parameter moves by -lr m̂ / (√v̂ + epsilon), as torch.optim.Adam does.
 * @param parameter f32 of any shape, changed in place
 * @param gradient f32, of the same shape
 * @param m f32, of the same shape, changed in place: running mean of gradients; zeros before step 1
 * @param v f32, of the same shape, changed in place: running mean of their squares
 * @see Kingma & Ba 2015, "Adam", algorithm 1
 */
export const adamInto = (parameter: Tensor, gradient: Tensor, m: Tensor, v: Tensor, options: AdamOptions): void => void op({ parameter, gradient, m, v }, options);
