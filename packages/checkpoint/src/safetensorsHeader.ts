import type { TensorInfo } from "./checkpoint.js";
import { byteLengthOf, dtypeCalled, isCount } from "./dtypes.js";
import { CheckpointError, formatError, shown } from "./error.js";

export interface SafetensorsHeader {
  /** In the order of their bytes, which follow each other without gap or overlap. */
  readonly tensors: ReadonlyMap<string, TensorInfo & { readonly start: number; readonly end: number }>;
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * The JSON header of a safetensors file, checked as the format demands: every byte of the data belongs to one tensor.
 * @param dataLength bytes after the header
 * @param subject the file, for messages
 * @throws FORMAT, naming file and tensor; UNSUPPORTED for types of less than a byte
 * @see https://github.com/huggingface/safetensors#format
 */
export function parseSafetensorsHeader(bytes: Uint8Array, dataLength: number, subject: string): SafetensorsHeader {
  const tensors: (readonly [string, TensorInfo & { start: number; end: number }])[] = [];
  const names = new Set<string>();
  let metadata: Record<string, string> | undefined;
  for (const [name, record] of membersOf(textOf(bytes, subject), subject)) {
    if (names.has(name)) throw formatError(`${subject}: expected each name once, got "${name}" twice`);
    names.add(name);
    if (name !== "__metadata__") tensors.push([name, tensorOf(record, `${subject}: ${name}`)]);
    else if (isRecord(record) && Object.values(record).every((value) => typeof value === "string")) metadata = record as Record<string, string>;
    else throw formatError(`${subject}: expected __metadata__ from text to text, got ${shown(record)}`);
  }
  tensors.sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let covered = 0;
  for (const [name, { start, end }] of tensors) {
    if (start !== covered) throw formatError(`${subject}: ${name}: expected data from ${covered} on, got ${start}`);
    covered = end;
  }
  if (covered !== dataLength) throw formatError(`${subject}: expected ${covered} bytes of data, got ${dataLength}`);
  return { tensors: new Map(tensors), metadata };
}

function textOf(bytes: Uint8Array, subject: string): string {
  if (bytes[0] !== 0x7b) throw formatError(`${subject}: expected a header that begins with {, got byte ${bytes[0] ?? "none"}`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw formatError(`${subject}: expected a header of JSON in UTF-8, got ${(cause as Error).message}`);
  }
}

/**
 * The members of the header, parsed one by one, so that the first that is wrong ends it: 100 MB of JSON can hold thirty million
 * objects, which take gigabytes.
 */
function* membersOf(json: string, subject: string): Generator<[name: string, record: unknown]> {
  let at = 1;
  const wrong = (got: string) => formatError(`${subject}: expected a header of JSON in UTF-8, got ${got} at ${at}`);
  const space = () => {
    while (" \t\r\n".includes(json[at] ?? "x")) at++;
    return json[at];
  };
  const parsed = (end: number): unknown => {
    try {
      const text = json.slice(at, end);
      const value: unknown = JSON.parse(text);
      if (typeof value === "object") refuseRepeatedKeys(text, subject);
      at = end;
      return value;
    } catch (cause) {
      if (cause instanceof CheckpointError) throw cause;
      throw wrong((cause as Error).message);
    }
  };
  for (let next = space(); next !== "}"; ) {
    if (next !== '"') throw wrong(next ?? "its end");
    const name = parsed(endOfString(json, at)) as string;
    if (space() !== ":") throw wrong(`no value of "${name}"`);
    at++;
    space();
    yield [name, parsed(endOfRecord(json, at, wrong))];
    next = space();
    if (next === ",") {
      at++;
      next = space();
      if (next === "}") throw wrong("a comma before }");
    } else if (next !== "}") throw wrong(next ?? "its end");
  }
  at++;
  if (space() !== undefined) throw wrong("more behind the header");
}

/** Behind the `"` that ends a string; the end of the text if none does. */
function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at + 1;
}

/** Behind a member's value: an object with lists of numbers in it, or something else that is short and wrong. */
function endOfRecord(json: string, start: number, wrong: (got: string) => Error): number {
  if (json[start] !== "{") return json[start] === '"' ? endOfString(json, start) : start + (/^[^,{}"]*/.exec(json.slice(start, start + 100))?.[0].length ?? 0);
  let inList = false;
  for (let at = start + 1; at < json.length; at++) {
    const character = json[at];
    if (character === '"') at = endOfString(json, at) - 1;
    else if (character === "{" || (character === "[" && inList)) throw wrong("an object or list within another");
    else if (character === "[") inList = true;
    else if (character === "]") inList = false;
    else if (character === "}") return at + 1;
  }
  throw wrong("its end");
}

/** JSON.parse keeps the last of two equal keys; the format forbids them. @param json a valid object without others in it */
function refuseRepeatedKeys(json: string, subject: string): void {
  const keys = new Set<string>();
  for (let at = 0; at < json.length; at++) {
    if (json[at] !== '"') continue;
    const end = endOfString(json, at);
    let next = end;
    while (" \t\r\n".includes(json[next])) next++;
    if (json[next] === ":") {
      const key = JSON.parse(json.slice(at, end)) as string;
      if (keys.has(key)) throw formatError(`${subject}: expected each name once, got "${key}" twice`);
      keys.add(key);
    }
    at = end - 1;
  }
}

function tensorOf(record: unknown, subject: string): TensorInfo & { start: number; end: number } {
  if (!isRecord(record)) throw formatError(`${subject}: expected {dtype, shape, data_offsets}, got ${shown(record)}`);
  const { dtype: called, shape, data_offsets: offsets } = record;
  if (typeof called === "string" && ["F4", "F6_E2M3", "F6_E3M2", "F8_E8M0"].includes(called))
    throw new CheckpointError("UNSUPPORTED", `${subject}: dtype ${called} is not read`);
  const dtype = dtypeCalled("safetensors", called);
  if (!dtype) throw formatError(`${subject}: expected a dtype of safetensors, got ${shown(called)}`);
  if (!isCounts(shape)) throw formatError(`${subject}: expected a shape of integers >= 0, got ${shown(shape)}`);
  if (!isCounts(offsets) || offsets.length !== 2)
    throw formatError(`${subject}: expected data_offsets [start,end], got ${shown(offsets)}`);
  const [start, end] = offsets;
  if (end - start !== byteLengthOf(dtype, shape))
    throw formatError(`${subject}: expected ${byteLengthOf(dtype, shape)} bytes for ${called} [${shape}], got ${end - start}`);
  return { dtype, shape, start, end };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isCount);
}
