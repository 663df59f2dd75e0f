// The library believes what a block says of its lengths: four bytes can keep it busy for minutes, or for ever. Here they are added up first.

/** Bytes that a block may stand for. @see RFC 8878, section 3.1.1.2.4 */
export const largestBlock = 2 ** 17;

/** A table of finite state entropy: what each state stands for, how many bits follow, and the state that they are added to. */
interface Table {
  log: number;
  symbols: Uint8Array;
  bits: Uint8Array;
  next: Uint16Array;
}

const extend = (codes: number, plain: number, first: number, extra: readonly number[]) => {
  const [bases, bits] = [new Uint32Array(codes), new Uint8Array(codes)];
  for (let code = 0, base = first; code < codes; code++) {
    bases[code] = base;
    bits[code] = code < plain ? 0 : extra[code - plain];
    base += 1 << bits[code];
  }
  return { bases, bits };
};
/** Lengths of literals and of matches by their codes (section 3.1.1.3.2.1.1). */
const literals = extend(36, 16, 0, [1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
const matches = extend(53, 32, 3, [1, 1, 1, 1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);

/** The tables that are used where a block has none of its own (section 3.1.1.3.2.2): literals, offsets, matches. */
const usual: readonly Table[] = [
  tableOf(6, [4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1]),
  tableOf(5, [1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1]),
  tableOf(6, [1, 4, 3, 2, 2, 2, 2, 2, 2, ...Array.from({ length: 37 }, () => 1), -1, -1, -1, -1, -1, -1, -1]),
];
const mostLogs = [9, 8, 9];
const mostCodes = [36, 32, 53];

/** The compressed blocks of a frame, in their order. */
export class BlockCheck {
  #tables: Table[] | undefined;

  /** @param block the content of a compressed block @throws Error for one that stands for more than 128 KiB, or is cut off */
  block(block: Uint8Array): void {
    const { size, at: start } = passLiterals(block);
    let at = start;
    let count = byteAt(block, at++);
    if (count === 255) {
      count = byteAt(block, at) + (byteAt(block, at + 1) << 8) + 0x7f00;
      at += 2;
    } else if (count > 127) count = ((count - 128) << 8) + byteAt(block, at++);
    if (count === 0) return;
    const modes = byteAt(block, at++);
    const before = this.#tables;
    const tables = [0, 1, 2].map((kind): Table => {
      const mode = (modes >> (6 - 2 * kind)) & 3;
      if (mode === 0) return usual[kind];
      if (mode === 3) {
        if (!before) throw new Error("a table that was never given");
        return before[kind];
      }
      if (mode === 1) return { log: 0, symbols: Uint8Array.of(codeBelow(byteAt(block, at++), kind)), bits: new Uint8Array(1), next: new Uint16Array(1) };
      const { log, counts, end } = countsIn(block, at, mostLogs[kind]);
      at = end;
      codeBelow(counts.length - 1, kind);
      return tableOf(log, counts);
    });
    this.#tables = tables;
    addUp(block.subarray(at), count, tables, size);
  }
}

function codeBelow(code: number, kind: number): number {
  if (code >= mostCodes[kind]) throw new Error(`a code of ${code}`);
  return code;
}

/** Adds up what sequences stand for. @param size of the literals */
function addUp(bytes: Uint8Array, count: number, [literal, offset, match]: readonly Table[], size: number): void {
  const last = bytes.at(-1);
  if (!last) throw new Error("sequences without an end");
  let place = 8 * bytes.length - 8 + 31 - Math.clz32(last); // bits that are left; they are read from the end
  const read = (bits: number): number => {
    place -= bits;
    if (place < 0) throw new Error("sequences that are cut off");
    const at = place >> 3;
    return ((bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16)) >>> (place & 7)) & ((1 << bits) - 1);
  };
  let [l, o, m] = [read(literal.log), read(offset.log), read(match.log)];
  let copied = size;
  let used = 0;
  for (let left = count; left > 0; left--) {
    place -= offset.symbols[o];
    const [matchCode, literalCode] = [match.symbols[m], literal.symbols[l]];
    copied += matches.bases[matchCode] + read(matches.bits[matchCode]);
    used += literals.bases[literalCode] + read(literals.bits[literalCode]);
    if (copied > largestBlock || used > size) throw new Error(`a block of more than ${largestBlock} bytes`);
    if (left === 1) break;
    l = literal.next[l] + read(literal.bits[l]);
    m = match.next[m] + read(match.bits[m]);
    o = offset.next[o] + read(offset.bits[o]);
  }
}

/** How many literals there are, and where they end. */
function passLiterals(block: Uint8Array): { size: number; at: number } {
  const head = byteAt(block, 0) + ((block[1] ?? 0) << 8) + ((block[2] ?? 0) << 16) + (block[3] ?? 0) * 2 ** 24 + (block[4] ?? 0) * 2 ** 32;
  const [type, format] = [head & 3, (head >> 2) & 3];
  const part = (from: number, bits: number) => Math.floor(head / 2 ** from) % 2 ** bits;
  let [size, packed, at] = [0, 0, 0];
  if (type < 2) {
    const [bytes, from, bits] = format === 1 ? [2, 4, 12] : format === 3 ? [3, 4, 20] : [1, 3, 5];
    size = part(from, bits);
    packed = type === 0 ? size : 1;
    at = bytes;
  } else {
    const bits = format < 2 ? 10 : format === 2 ? 14 : 18;
    size = part(4, bits);
    packed = part(4 + bits, bits);
    at = (4 + 2 * bits) / 8;
    if (type === 2) checkWeights(block, at);
  }
  if (size > largestBlock || at + packed > block.length) throw new Error(`${size} literals in a block of ${block.length} bytes`);
  return { size, at: at + packed };
}

/** Of a table of weights with a single symbol the library would read for ever. */
function checkWeights(block: Uint8Array, at: number): void {
  if (byteAt(block, at) >= 128) return;
  const { log, counts } = countsIn(block, at + 1, 6);
  if (counts.includes(1 << log)) throw new Error("weights that never end");
}

/** The counts of a table, as a block has them (section 4.1.1). */
function countsIn(bytes: Uint8Array, start: number, mostLog: number): { log: number; counts: number[]; end: number } {
  let place = 8 * start;
  const peek = () => ((bytes[place >> 3] | (bytes[(place >> 3) + 1] << 8) | (bytes[(place >> 3) + 2] << 16)) >>> (place & 7)) & 0xffff;
  const log = (peek() & 15) + 5;
  place += 4;
  if (log > mostLog) throw new Error(`a table of ${log} bits`);
  const counts: number[] = [];
  for (let left = 1 << log; left > 0; ) {
    const bits = 32 - Math.clz32(left + 1);
    const low = (1 << (bits - 1)) - 1;
    const spare = (1 << bits) - 2 - left;
    let value = peek() & ((1 << bits) - 1);
    if ((value & low) < spare) {
      value &= low;
      place += bits - 1;
    } else {
      if (value > low) value -= spare;
      place += bits;
    }
    counts.push(value - 1);
    left -= Math.abs(value - 1);
    if (value === 1)
      for (let zeros = 3; zeros === 3; ) {
        zeros = peek() & 3;
        place += 2;
        for (let i = 0; i < zeros; i++) counts.push(0);
      }
    if (counts.length > 256 || place > 8 * bytes.length) throw new Error("a table without an end");
  }
  return { log, counts, end: (place + 7) >> 3 };
}

function tableOf(log: number, counts: readonly number[]): Table {
  const size = 1 << log;
  const [symbols, bits, next] = [new Uint8Array(size), new Uint8Array(size), new Uint16Array(size)];
  let high = size;
  counts.forEach((count, symbol) => count === -1 && (symbols[--high] = symbol));
  let place = 0;
  counts.forEach((count, symbol) => {
    for (let i = 0; i < count; i++) {
      symbols[place] = symbol;
      do place = (place + (size >> 1) + (size >> 3) + 3) & (size - 1);
      while (place >= high);
    }
  });
  const seen = counts.map(Math.abs);
  for (let state = 0; state < size; state++) {
    const number = seen[symbols[state]]++;
    bits[state] = log - (31 - Math.clz32(number));
    next[state] = (number << bits[state]) - size;
  }
  return { log, symbols, bits, next };
}

function byteAt(bytes: Uint8Array, at: number): number {
  if (at >= bytes.length) throw new Error("a block that is cut off");
  return bytes[at];
}
