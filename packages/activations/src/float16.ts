const bits = new Uint32Array(1);
const value = new Float32Array(bits.buffer);

/**
 * f32 → IEEE 754 binary16 bits, to the nearest, ties to even; what passes 65504 by half a step or more is infinite.
 * @param into where the halves go
 */
export function narrowF16(from: Float32Array, into = new Uint16Array(from.length)): Uint16Array {
  for (let i = 0; i < from.length; i++) {
    value[0] = from[i];
    const sign = (bits[0] >>> 16) & 0x8000;
    const magnitude = bits[0] & 0x7fffffff;
    if (magnitude >= 0x47800000) {
      into[i] = sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00); // NaN, or 65536 and more
    } else if (magnitude >= 0x38800000) {
      // normal: the bias goes from 127 to 15; adding half a step less one, and the lowest kept bit, rounds ties to even
      into[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
    } else {
      // subnormal: at 0.5 an f32 has steps of 2^-24, as these halves have, so an f32 addition rounds
      value[0] = Math.fround(Math.abs(from[i]) + 0.5);
      into[i] = sign | (bits[0] - 0x3f000000);
    }
  }
  return into;
}
