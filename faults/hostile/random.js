/** Random draws from a seed: xorshift128, seeded by splitmix32, so that an input's number makes it again on every machine. */
export class Random {
  #state = new Uint32Array(4);

  /** @param {string} name @param {number} number */
  constructor(name, number) {
    let mixed = number >>> 0;
    for (let i = 0; i < name.length; i++) mixed = (Math.imul(mixed ^ name.charCodeAt(i), 0x9e3779b1) + i) >>> 0;
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) >>> 0;
      let z = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
      z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
      this.#state[i] = z ^ (z >>> 16) || 1;
    }
  }

  u32() {
    const s = this.#state;
    let t = s[3];
    t ^= t << 11;
    t ^= t >>> 8;
    s[3] = s[2];
    s[2] = s[1];
    s[1] = s[0];
    s[0] = t ^ s[0] ^ (s[0] >>> 19);
    return s[0];
  }
  /** 0..n-1 */
  below(n) {
    return n > 0 ? this.u32() % n : 0;
  }
  oneOf(list) {
    return list[this.below(list.length)];
  }
  chance(oneIn) {
    return this.below(oneIn) === 0;
  }
}
