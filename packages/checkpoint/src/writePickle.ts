import { formatError } from "./error.js";

/**
 * Writes a pickle of protocol 2 with the opcodes that torch's `weights_only` reader knows, since its first version.
 * @see Lib/pickletools.py of CPython, which defines each opcode
 */
export class PickleWriter {
  readonly #bytes: number[] = [0x80, 2]; // PROTO
  readonly #utf8 = new TextEncoder();

  /** @returns the pickle; nothing can be written after it */
  finish(): Uint8Array {
    this.#op("."); // STOP
    return Uint8Array.from(this.#bytes);
  }

  none(): void {
    this.#op("N");
  }
  boolean(value: boolean): void {
    this.#op(value ? "\x88" : "\x89");
  }
  float(value: number): void {
    const view = new DataView(new ArrayBuffer(8));
    view.setFloat64(0, value, false);
    this.#op("G");
    this.#bytes.push(...new Uint8Array(view.buffer));
  }
  /** @throws FORMAT past 2^2039, the largest that LONG1 holds */
  integer(value: number | bigint): void {
    if (value >= 0 && value < 256) {
      this.#op("K"); // BININT1
      return this.#little(Number(value), 1);
    }
    if (value >= -(2 ** 31) && value < 2 ** 31) {
      this.#op("J"); // BININT
      return this.#little(Number(value), 4);
    }
    const whole = BigInt(value);
    let bytes = 5;
    while (BigInt.asIntN(8 * bytes, whole) !== whole) bytes++;
    if (bytes > 255) throw formatError(`expected an integer of at most 255 bytes, got ${bytes}`);
    this.#op("\x8a"); // LONG1
    this.#bytes.push(bytes);
    for (let i = 0; i < bytes; i++) this.#bytes.push(Number((whole >> BigInt(8 * i)) & 0xffn));
  }
  /** @throws FORMAT for half of a surrogate pair, which UTF-8 has no bytes for */
  text(value: string): void {
    if (/\p{Surrogate}/u.test(value)) throw formatError(`expected well-formed text, got ${JSON.stringify(value)}`);
    const bytes = this.#utf8.encode(value);
    this.#op("X"); // BINUNICODE
    this.#little(bytes.length, 4);
    for (const byte of bytes) this.#bytes.push(byte);
  }
  /** Appends what `items` writes. */
  list(items: () => void): void {
    this.#op("](");
    items();
    this.#op("e"); // APPENDS
  }
  /** `items` writes keys and values in turn. */
  dict(items: () => void): void {
    this.#op("}(");
    items();
    this.#op("u"); // SETITEMS
  }
  tuple(items: () => void): void {
    this.#op("(");
    items();
    this.#op("t");
  }
  global(module: string, name: string): void {
    this.#op(`c${module}\n${name}\n`);
  }
  /** `callee(*args)`, both written by the function: REDUCE. */
  call(calleeAndArgs: () => void): void {
    calleeAndArgs();
    this.#op("R");
  }
  /** What stands outside the pickle, by its id: BINPERSID. */
  persistent(id: () => void): void {
    id();
    this.#op("Q");
  }

  #op(characters: string): void {
    for (let i = 0; i < characters.length; i++) this.#bytes.push(characters.charCodeAt(i));
  }
  #little(value: number, bytes: number): void {
    for (let i = 0; i < bytes; i++) this.#bytes.push((value >>> (8 * i)) & 255);
  }
}
