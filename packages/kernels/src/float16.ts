let table: Float32Array | undefined;

/** IEEE 754 binary16 bits → f32, through a table of all 65,536 values. */
export function widenF16(bits: Uint16Array, into = new Float32Array(bits.length)): Float32Array {
  table ??= Float32Array.from({ length: 65536 }, (_, h) => {
    const sign = h & 0x8000 ? -1 : 1;
    const exponent = (h >> 10) & 31;
    const fraction = h & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  });
  for (let i = 0; i < bits.length; i++) into[i] = table[bits[i]!]!;
  return into;
}

/** bfloat16 bits → f32: they are the upper half of one. */
export function widenBf16(bits: Uint16Array): Float32Array {
  const wide = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) wide[i] = bits[i]! << 16;
  return new Float32Array(wide.buffer);
}
