/** Numbers at which readers go wrong: signs, powers of two and their neighbours. */
export const magic = [0, 1, 2, 7, 8, 127, 128, 255, 256, 65_535, 65_536, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40, 2 ** 53 - 1, 2 ** 53, -1, -2];

const wide = [...magic.map(BigInt), 2n ** 62n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n].map((n) => BigInt.asUintN(64, n));
const longest = 2 ** 16; // a fuzzed file stays small: its reader's limits have tests of their own

/** Each takes bytes and gives others. */
const steps = [
  (bytes, random) => changed(bytes, (copy) => (copy[random.below(copy.length)] ^= 1 << random.below(8))),
  (bytes, random) => changed(bytes, (copy) => (copy[random.below(copy.length)] = random.below(256))),
  (bytes, random) => number(bytes, random, 1),
  (bytes, random) => number(bytes, random, 2),
  (bytes, random) => number(bytes, random, 4),
  (bytes, random) => number(bytes, random, 8),
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  (bytes, random) => cut(bytes, ...range(bytes, random)),
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    return spliced(bytes, random.below(bytes.length), bytes.subarray(from, to));
  },
  (bytes, random, { seeds }) => {
    const other = random.pick(seeds);
    const [from, to] = range(other, random);
    return spliced(bytes, random.below(bytes.length), other.subarray(from, to));
  },
  (bytes, random, { seeds }) => {
    const other = random.pick(seeds);
    return joined(bytes.subarray(0, random.below(bytes.length)), other.subarray(random.below(other.length)));
  },
  (bytes, random) => {
    const [from, to] = range(bytes, random);
    const part = bytes.subarray(from, Math.min(to, from + 32));
    return spliced(bytes, from, joined(...Array.from({ length: 1 + random.below(64) }, () => part)));
  },
];
const withToken = (bytes, random, { tokens }) => spliced(bytes, random.below(bytes.length + 1), random.pick(tokens));
const overToken = (bytes, random, { tokens }) => {
  const at = random.below(bytes.length + 1);
  const token = random.pick(tokens);
  return joined(bytes.subarray(0, at), token, bytes.subarray(at + random.below(2 * token.length)));
};

/**
 * Bytes like those of a real file, a few steps away from them.
 * @param {{ seeds: readonly Uint8Array[], tokens: readonly Uint8Array[] }} from real files, and words of their format
 */
export function mutated(from, random) {
  let bytes = random.pick(from.seeds);
  const all = from.tokens.length > 0 ? [...steps, withToken, withToken, overToken, overToken] : steps;
  for (let left = 1 + (random.below(3) === 0 ? random.below(8) : random.below(2)); left > 0 && bytes.length > 0; left--) bytes = random.pick(all)(bytes, random, from).subarray(0, longest);
  return bytes;
}

function number(bytes, random, width) {
  return changed(bytes, (copy) => {
    const view = new DataView(copy.buffer);
    const at = random.below(copy.length - width + 1);
    const littleEndian = random.below(4) > 0;
    if (at + width > copy.length) return;
    if (width === 8) view.setBigUint64(at, random.below(4) === 0 ? BigInt(random.below(4096)) : random.pick(wide), littleEndian);
    else if (width === 4) view.setUint32(at, random.below(3) === 0 ? view.getUint32(at, true) + random.below(9) - 4 : random.pick(magic), littleEndian);
    else if (width === 2) view.setUint16(at, random.below(3) === 0 ? view.getUint16(at, true) + random.below(9) - 4 : random.pick(magic), littleEndian);
    else view.setUint8(at, random.pick(magic));
  });
}

function changed(bytes, change) {
  const copy = Uint8Array.from(bytes);
  change(copy);
  return copy;
}

function range(bytes, random) {
  const from = random.below(bytes.length);
  return [from, Math.min(bytes.length, from + 1 + random.below(random.below(2) === 0 ? 16 : bytes.length))];
}

const cut = (bytes, from, to) => joined(bytes.subarray(0, from), bytes.subarray(to));
const spliced = (bytes, at, part) => joined(bytes.subarray(0, at), part, bytes.subarray(at));

function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
