/**
 * The element types of a checkpoint. f16, bf16 and the 8-bit floats stay as their bits; bool is 0 or 1 in a byte; c64 is
 * pairs of real and imaginary f32.
 *
 * The order is that of the safetensors library's own list, by which its writer sorts: alignment first.
 */
export const dtypes = {
  bool: { bytes: 1, array: Uint8Array, safetensors: "BOOL", torch: "bool" },
  u8: { bytes: 1, array: Uint8Array, safetensors: "U8", torch: "uint8" },
  i8: { bytes: 1, array: Int8Array, safetensors: "I8", torch: "int8" },
  f8_e5m2: { bytes: 1, array: Uint8Array, safetensors: "F8_E5M2", torch: "float8_e5m2" },
  f8_e4m3: { bytes: 1, array: Uint8Array, safetensors: "F8_E4M3", torch: "float8_e4m3fn" },
  i16: { bytes: 2, array: Int16Array, safetensors: "I16", torch: "int16" },
  u16: { bytes: 2, array: Uint16Array, safetensors: "U16", torch: "uint16" },
  f16: { bytes: 2, array: Uint16Array, safetensors: "F16", torch: "float16" },
  bf16: { bytes: 2, array: Uint16Array, safetensors: "BF16", torch: "bfloat16" },
  i32: { bytes: 4, array: Int32Array, safetensors: "I32", torch: "int32" },
  u32: { bytes: 4, array: Uint32Array, safetensors: "U32", torch: "uint32" },
  f32: { bytes: 4, array: Float32Array, safetensors: "F32", torch: "float32" },
  c64: { bytes: 8, array: Float32Array, safetensors: "C64", torch: "complex64" },
  f64: { bytes: 8, array: Float64Array, safetensors: "F64", torch: "float64" },
  i64: { bytes: 8, array: BigInt64Array, safetensors: "I64", torch: "int64" },
  u64: { bytes: 8, array: BigUint64Array, safetensors: "U64", torch: "uint64" },
} as const;

export type Dtype = keyof typeof dtypes;

/** The dtype that a format calls by this name, if there is one: `dtypeCalled("safetensors", "F32")` is `"f32"`. */
export function dtypeCalled(format: "safetensors" | "torch", name: unknown): Dtype | undefined {
  return (Object.keys(dtypes) as Dtype[]).find((dtype) => dtypes[dtype][format] === name);
}

/** Is it a count: an integer that a double holds exactly, and not negative? */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The bytes of a contiguous tensor; more than 2^53 where it would not fit any file. */
export function byteLengthOf(dtype: Dtype, shape: readonly number[]): number {
  return shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, dtypes[dtype].bytes);
}
