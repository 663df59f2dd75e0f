export type Arrays = Record<string, { shape: number[]; data: Float32Array | Int32Array }>;

/**
 * A safetensors file as plain arrays: floats as f32, integers and booleans as i32. Small on purpose and not our
 * checkpoint package, so that an oracle does not pass through the code that it judges.
 */
export function readSafetensors(bytes: Uint8Array): Arrays {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }> = JSON.parse(
    new TextDecoder().decode(bytes.subarray(8, start)),
  );
  delete header.__metadata__;

  const arrays: Arrays = {};
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    const type = dtypes[dtype];
    if (!type) throw new Error(`${name}: expected dtype ${Object.keys(dtypes).join(", ")}, got ${dtype}`);
    const data = new type.array((data_offsets[1] - data_offsets[0]) / type.bytes);
    for (let i = 0; i < data.length; i++) data[i] = type.at(view, start + data_offsets[0] + i * type.bytes);
    arrays[name] = { shape, data };
  }
  return arrays;
}

interface Dtype {
  array: typeof Float32Array | typeof Int32Array;
  bytes: number;
  at(view: DataView, offset: number): number;
}

const dtypes: Record<string, Dtype> = {
  F64: { array: Float32Array, bytes: 8, at: (view, at) => view.getFloat64(at, true) },
  F32: { array: Float32Array, bytes: 4, at: (view, at) => view.getFloat32(at, true) },
  BF16: { array: Float32Array, bytes: 2, at: (view, at) => fromBfloat16(view.getUint16(at, true)) },
  F16: { array: Float32Array, bytes: 2, at: (view, at) => fromFloat16(view.getUint16(at, true)) },
  I64: { array: Int32Array, bytes: 8, at: (view, at) => Number(view.getBigInt64(at, true)) },
  I32: { array: Int32Array, bytes: 4, at: (view, at) => view.getInt32(at, true) },
  U8: { array: Int32Array, bytes: 1, at: (view, at) => view.getUint8(at) },
  BOOL: { array: Int32Array, bytes: 1, at: (view, at) => view.getUint8(at) },
};

function fromBfloat16(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0];
}

/** The value of half-precision bits. */
export function fromFloat16(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction);
}
