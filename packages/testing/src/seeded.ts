/** Uniform in (0, 1), the same numbers for a seed everywhere (mulberry32). */
function* uniforms(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), state | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    yield (((bits ^ (bits >>> 14)) >>> 0) + 0.5) / 2 ** 32;
  }
}

/** @returns f32[n] uniform in [0, 1) */
export function seededUniform(seed: number, n: number): Float32Array {
  const random = uniforms(seed);
  return Float32Array.from({ length: n }, () => Math.min(random.next().value, 1 - 2 ** -24)); // f32 would round up to 1
}

/** @returns f32[n] of mean 0, variance 1 (Box and Muller) */
export function seededNormal(seed: number, n: number): Float32Array {
  const random = uniforms(seed);
  return Float32Array.from(
    { length: n },
    () => Math.sqrt(-2 * Math.log(random.next().value)) * Math.cos(2 * Math.PI * random.next().value),
  );
}
