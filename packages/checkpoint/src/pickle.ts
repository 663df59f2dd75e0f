import { formatError } from "./error.js";

/** A class or function that a pickle names. `call` makes a value of the arguments; it never runs what the file brings. */
export interface PickleGlobal {
  readonly name: string;
  call?(args: readonly unknown[]): unknown;
}

/** What a pickle may refer to outside itself. Both throw for what they don't know. */
export interface PickleWorld {
  /** @param name such as `collections.OrderedDict` */
  global(name: string): PickleGlobal;
  persistent(id: unknown): unknown;
}

/**
 * Reads a pickle of protocol 2 to 5 without running any of it: objects come from the world's globals only. Dicts become
 * Maps; lists and tuples arrays; integers numbers, past 2^53 bigints.
 *
 * Values may be shared and may contain themselves: whoever walks them sets limits.
 * @throws FORMAT for what is malformed, too large or not allowed
 * @see Lib/pickletools.py of CPython, which defines each opcode
 */
export function unpickle(bytes: Uint8Array, world: PickleWorld, subject: string): unknown {
  if (bytes.length > largestPickle) throw formatError(`${subject}: expected a pickle of at most ${largestPickle} bytes, got ${bytes.length}`);
  const machine = new Machine(bytes, world, subject);
  for (let opcode = machine.u8(); opcode !== stop; opcode = machine.u8()) {
    const run = opcodes.get(opcode);
    if (!run) throw machine.error(`expected pickled tensors, got opcode 0x${opcode.toString(16)}`);
    run(machine);
  }
  return machine.pop();
}

// Enough for 4,000 tensors in a file, of which each takes some 38 steps, and 13 for its lists and its dict. What a hostile
// pickle makes of them stays below 16 MB, most of it garbage.
const largestPickle = 4 * 2 ** 20;
const mostSteps = 204_000; // pushes and memo entries: what costs memory
const [stepsOfList, stepsOfMap] = [2, 8]; // which take more of it

const stop = 0x2e;
const utf8 = new TextDecoder();

const opcodes = new Map<number, (m: Machine) => void>(
  Object.entries<(m: Machine) => void>({
    "\x80": (m) => m.u8(),                                                      // PROTO
    "\x95": (m) => m.take(8),                                                   // FRAME
    N: (m) => m.push(null),                                                     // NONE
    "\x88": (m) => m.push(true),                                                // NEWTRUE
    "\x89": (m) => m.push(false),                                               // NEWFALSE
    J: (m) => m.push(m.view.getInt32(m.take(4), true)),                         // BININT
    K: (m) => m.push(m.u8()),                                                   // BININT1
    M: (m) => m.push(m.view.getUint16(m.take(2), true)),                        // BININT2
    "\x8a": (m) => m.long(m.u8()),                                              // LONG1
    G: (m) => m.push(m.view.getFloat64(m.take(8), false)),                      // BINFLOAT
    X: (m) => m.push(m.text(m.u32())),                                          // BINUNICODE
    "\x8c": (m) => m.push(m.text(m.u8())),                                      // SHORT_BINUNICODE
    S: (m) => m.push(m.line()),                                                 // STRING

    "}": (m) => m.push(new Map(), stepsOfMap),                                  // EMPTY_DICT
    "]": (m) => m.push([], stepsOfList),                                        // EMPTY_LIST
    ")": (m) => m.push([], stepsOfList),                                        // EMPTY_TUPLE
    t: (m) => m.push(m.popMark(), stepsOfList),                                 // TUPLE
    l: (m) => m.push(m.popMark(), stepsOfList),                                 // LIST
    "\x85": (m) => m.push(m.popMany(1), stepsOfList),                           // TUPLE1
    "\x86": (m) => m.push(m.popMany(2), stepsOfList),                           // TUPLE2
    "\x87": (m) => m.push(m.popMany(3), stepsOfList),                           // TUPLE3
    d: (m) => m.push(m.fill(new Map(), m.popMark()), stepsOfMap),               // DICT
    a: (m) => m.append(m.popMany(1)),                                           // APPEND
    e: (m) => m.append(m.popMark()),                                            // APPENDS
    s: (m) => m.setItems(m.popMany(2)),                                         // SETITEM
    u: (m) => m.setItems(m.popMark()),                                          // SETITEMS

    "(": (m) => m.mark(),                                                       // MARK
    0: (m) => m.pop(),                                                          // POP
    1: (m) => m.popMark(),                                                      // POP_MARK
    q: (m) => m.put(m.u8()),                                                    // BINPUT
    r: (m) => m.put(m.u32()),                                                   // LONG_BINPUT
    "\x94": (m) => m.put(m.memo.length),                                        // MEMOIZE
    h: (m) => m.recall(m.u8()),                                                 // BINGET
    j: (m) => m.recall(m.u32()),                                                // LONG_BINGET

    c: (m) => m.global(m.line(), m.line()),                                     // GLOBAL
    "\x93": (m) => m.global(...(m.popMany(2) as [unknown, unknown])),           // STACK_GLOBAL
    i: (m) => m.refuseInst(m.line(), m.line()),                                 // INST
    R: (m) => m.reduce(...(m.popMany(2) as [unknown, unknown])),                // REDUCE
    b: (m) => m.dropAttributes(),                                               // BUILD
    Q: (m) => m.push(m.world.persistent(m.pop())),                              // BINPERSID
  }).map(([character, run]) => [character.charCodeAt(0), run]),
);

/** The stack machine that a pickle is a program for. */
class Machine {
  readonly view: DataView;
  readonly memo: unknown[] = [];
  readonly #below: unknown[][] = []; // the stacks under each MARK
  #stack: unknown[] = [];
  #at = 0;
  #steps = 0;

  constructor(
    readonly bytes: Uint8Array,
    readonly world: PickleWorld,
    readonly subject: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  error(message: string): Error {
    return formatError(`${this.subject}: ${message} (byte ${this.#at} of the pickle)`);
  }

  /** Where the next `length` bytes begin; they are passed over. */
  take(length: number): number {
    const start = this.#at;
    if (start + length > this.bytes.length) throw this.error(`expected ${length} more bytes, got ${this.bytes.length - start}`);
    this.#at += length;
    return start;
  }
  u8(): number {
    return this.bytes[this.take(1)];
  }
  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }
  text(length: number): string {
    const start = this.take(length);
    return utf8.decode(this.bytes.subarray(start, start + length));
  }
  line(): string {
    const end = this.bytes.indexOf(0x0a, this.#at);
    if (end < 0) throw this.error("expected a line, got the end");
    const line = this.text(end - this.#at);
    this.take(1);
    return line;
  }
  /** A signed little-endian integer of `length` bytes; each of the numbers on the way costs memory. */
  long(length: number): void {
    const start = this.take(length);
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.bytes[start + i]);
    value = BigInt.asIntN(8 * length, value);
    this.push(Number.isSafeInteger(Number(value)) ? Number(value) : value, 1 + (length >> 3) ** 2);
  }

  push(value: unknown, steps = 1): void {
    this.count(steps);
    this.#stack.push(value);
  }
  top(): unknown {
    if (this.#stack.length === 0) throw this.error("expected a value, got an empty stack");
    return this.#stack.at(-1);
  }
  pop(): unknown {
    const value = this.top();
    this.#stack.pop();
    return value;
  }
  popMany(n: number): unknown[] {
    if (this.#stack.length < n) throw this.error(`expected ${n} values, got ${this.#stack.length}`);
    const values = this.#stack.slice(-n);
    this.#stack.length -= n;
    return values;
  }
  mark(): void {
    this.count(stepsOfList);
    this.#below.push(this.#stack);
    this.#stack = [];
  }
  popMark(): unknown[] {
    const values = this.#stack;
    const below = this.#below.pop();
    if (!below) throw this.error("expected a mark, got none");
    this.#stack = below;
    return values;
  }
  put(index: number): void {
    this.count(1);
    if (index > mostSteps) throw this.error(`expected memos up to ${mostSteps}, got ${index}`); // picklers count them from 0
    this.memo[index] = this.top();
  }
  recall(index: number): void {
    if (!(index in this.memo)) throw this.error(`expected memo ${index}, got none`);
    this.push(this.memo[index]);
  }
  count(steps: number): void {
    if ((this.#steps += steps) > mostSteps) throw this.error(`expected a pickle of at most ${mostSteps} steps, got more`);
  }

  append(values: unknown[]): void {
    const into = this.top();
    if (!Array.isArray(into)) throw this.error("expected a list to append to, got another object");
    for (const value of values) into.push(value);
  }
  setItems(keysAndValues: unknown[]): void {
    this.fill(this.top(), keysAndValues);
  }
  fill(map: unknown, keysAndValues: unknown[]): unknown {
    if (!(map instanceof Map) || keysAndValues.length % 2) throw this.error("expected a dict and pairs for it, got another object");
    for (let i = 0; i < keysAndValues.length; i += 2) map.set(keysAndValues[i], keysAndValues[i + 1]);
    return map;
  }

  global(module: unknown, name: unknown): void {
    this.push(this.world.global(`${text(module)}.${text(name)}`));
  }
  /** Torch never writes one; what it would call is named all the same. */
  refuseInst(module: string, name: string): never {
    this.global(module, name);
    throw this.error("expected pickled tensors, got opcode INST");
  }
  reduce(callee: unknown, args: unknown): void {
    const call = (callee as PickleGlobal | null)?.call;
    if (typeof call !== "function" || !Array.isArray(args)) throw this.error("expected an allowed function and its arguments, got another object");
    const made = call(args);
    this.push(made, made instanceof Map ? stepsOfMap : 1);
  }
  /** An OrderedDict may carry attributes: a state dict's `_metadata`. */
  dropAttributes(): void {
    this.pop();
    if (!(this.top() instanceof Map)) throw this.error("expected attributes on a dict only, got them on another object");
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "?";
}
