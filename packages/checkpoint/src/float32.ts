import type { NamedTensor } from "./checkpoint.js";
import { formatError } from "./error.js";

/**
 * A tensor's values as f32: f64 is rounded, f16 and bf16 are widened, f32 is handed on as it is, without a copy.
 * @param finite refuse NaN and infinities, which no weight should be
 * @throws FORMAT `bias: expected f64, f32, f16 or bf16, got i64`
 * @throws FORMAT `encoder.weight: expected finite values, got NaN at [3,1]`
 */
export function toFloat32(tensor: NamedTensor, { finite = false }: { finite?: boolean } = {}): Float32Array {
  const values = widen(tensor);
  if (finite) refuseNonFinite(values, tensor);
  return values;
}

function widen({ name, dtype, data }: NamedTensor): Float32Array {
  switch (dtype) {
    case "f32":
      return data as Float32Array;
    case "f64":
      return new Float32Array(data as Float64Array);
    case "f16":
      return fromFloat16(data as Uint16Array);
    case "bf16":
      return fromBfloat16(data as Uint16Array);
    default:
      throw formatError(`${name}: expected f64, f32, f16 or bf16, got ${dtype}`);
  }
}

function refuseNonFinite(values: Float32Array, { name, shape }: NamedTensor): void {
  for (let i = 0; i < values.length; i++) {
    if (values[i] - values[i] === 0) continue;
    const at = shape.map((size, axis) => Math.floor(i / shape.slice(axis + 1).reduce((a, b) => a * b, 1)) % size);
    throw formatError(`${name}: expected finite values, got ${values[i]} at [${at}]`);
  }
}

/** bfloat16 is the upper half of an f32. */
function fromBfloat16(bits: Uint16Array): Float32Array {
  const wide = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = bits[i] << 16;
  return new Float32Array(wide.buffer);
}

let everyFloat16: Float32Array | undefined;

/** IEEE 754 binary16, by a table of its 65,536 values. */
function fromFloat16(bits: Uint16Array): Float32Array {
  everyFloat16 ??= Float32Array.from({ length: 65536 }, (_, half) => {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction);
  });
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = everyFloat16[bits[i]];
  return values;
}
