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
  const { __metadata__: metadata, ...records } = parseJson(bytes, subject);
  if (metadata !== undefined && !(isRecord(metadata) && Object.values(metadata).every((value) => typeof value === "string")))
    throw formatError(`${subject}: expected __metadata__ from text to text, got ${shown(metadata)}`);

  const tensors = Object.entries(records).map(([name, record]) => [name, tensorOf(record, `${subject}: ${name}`)] as const);
  tensors.sort(([, a], [, b]) => a.start - b.start || a.end - b.end);
  let covered = 0;
  for (const [name, { start, end }] of tensors) {
    if (start !== covered) throw formatError(`${subject}: ${name}: expected data from ${covered} on, got ${start}`);
    covered = end;
  }
  if (covered !== dataLength) throw formatError(`${subject}: expected ${covered} bytes of data, got ${dataLength}`);
  return { tensors: new Map(tensors), metadata: metadata as Record<string, string> | undefined };
}

function parseJson(bytes: Uint8Array, subject: string): Record<string, unknown> {
  if (bytes[0] !== 0x7b) throw formatError(`${subject}: expected a header that begins with {, got byte ${bytes[0] ?? "none"}`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    const header = JSON.parse(text) as Record<string, unknown>;
    refuseRepeatedKeys(text, subject);
    return header;
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw formatError(`${subject}: expected a header of JSON in UTF-8, got ${(cause as Error).message}`);
  }
}

/** JSON.parse keeps the last of two equal keys; the format forbids them. @param json valid JSON */
function refuseRepeatedKeys(json: string, subject: string): void {
  const open: Set<string>[] = [];
  for (let i = 0; i < json.length; i++) {
    if (json[i] === "{") open.push(new Set());
    else if (json[i] === "}") open.pop();
    else if (json[i] === '"') {
      const start = i++;
      while (json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
      let next = i + 1;
      while (" \t\r\n".includes(json[next])) next++;
      if (json[next] !== ":") continue;
      const key = JSON.parse(json.slice(start, i + 1)) as string;
      const keys = open.at(-1)!;
      if (keys.has(key)) throw formatError(`${subject}: expected each name once, got "${key}" twice`);
      keys.add(key);
    }
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
