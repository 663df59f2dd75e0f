import { widenBf16, widenF16 } from "@dictlearn/kernels";
import { DictionaryError } from "./error.js";

/**
 * A saved weight as f32, every value finite. f32 is taken as it is; f16, bf16 and f64 are converted.
 * @param place where in the tensor an element of its data stands, for messages
 * @throws DictionaryError FORMAT `ae.pt: expected finite encoder.weight, got NaN at 17`; UNSUPPORTED for other numbers
 */
export function weight(subject: string, name: string, tensor: { dtype: string; data: ArrayBufferView }, place = (at: number) => at): Float32Array {
  const values = float32(tensor);
  if (!values)
    throw new DictionaryError("UNSUPPORTED", `${subject}: expected ${name} in f32, f16, bf16 or f64, got ${tensor.dtype}`, "convert it to a floating type first");
  if (!allFinite(values)) {
    const at = values.findIndex((value) => !Number.isFinite(value));
    throw new DictionaryError("FORMAT", `${subject}: expected finite ${name}, got ${values[at]} at ${place(at)}`, "the file is damaged or its training diverged");
  }
  return values;
}

/** Four sums, so that no addition waits for the one before. */
function allFinite(values: Float32Array): boolean {
  let [a, b, c, d] = [0, 0, 0, 0]; // x * 0 is NaN for NaN and the infinities, else 0
  const whole = values.length - (values.length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += values[i] * 0;
    b += values[i + 1] * 0;
    c += values[i + 2] * 0;
    d += values[i + 3] * 0;
  }
  for (let i = whole; i < values.length; i++) a += values[i] * 0;
  return a + b + c + d === 0;
}

function float32({ dtype: name, data }: { dtype: string; data: ArrayBufferView }): Float32Array | undefined {
  const dtype = name.toLowerCase();
  if (data instanceof Float32Array && dtype === "f32") return data;
  if (data instanceof Float64Array && dtype === "f64") return Float32Array.from(data);
  if (data instanceof Uint16Array && dtype === "bf16") return widenBf16(data);
  if (data instanceof Uint16Array && dtype === "f16") return widenF16(data);
  return undefined;
}
