import { nameOf, readRange, type ByteSource } from "./byteSource.js";
import { entryOf, namedTensor, type Checkpoint } from "./checkpoint.js";
import { CheckpointError, formatError } from "./error.js";
import { readRows } from "./readRows.js";
import { parseSafetensorsHeader } from "./safetensorsHeader.js";

const largestHeader = 100_000_000; // the format's own limit, in bytes

/**
 * Reads the header of a safetensors file; each tensor's bytes are read when it is asked for.
 * @throws FORMAT `model.safetensors: lm_head: expected 64 bytes for F32 [4,4], got 60`
 */
export async function openSafetensors(source: ByteSource): Promise<Checkpoint> {
  const subject = nameOf(source);
  if (source.byteLength < 8) throw formatError(`${subject}: expected at least 8 bytes, got ${source.byteLength}`);
  const length = new DataView(await readRange(source, 0, 8)).getBigUint64(0, true);
  const most = Math.min(largestHeader, source.byteLength - 8);
  if (length > most) throw formatError(`${subject}: expected a header of at most ${most} bytes, got ${length}`, "is it a safetensors file?");

  const dataStart = 8 + Number(length);
  const headerBytes = new Uint8Array(await readRange(source, 8, dataStart));
  const { readInto } = source;
  const { tensors, metadata } = parseSafetensorsHeader(headerBytes, source.byteLength - dataStart, subject);
  return {
    names: [...tensors.keys()],
    metadata,
    has: (name) => tensors.has(name),
    async info(name) {
      const { dtype, shape } = entryOf(tensors, name, subject);
      return { dtype, shape };
    },
    async read(name) {
      const tensor = entryOf(tensors, name, subject);
      return namedTensor(name, tensor, await readRange(source, dataStart + tensor.start, dataStart + tensor.end));
    },
    ...(readInto && {
      async readRows(name: string, rows: Uint32Array) {
        const { dtype, shape, start, end } = entryOf(tensors, name, subject);
        const [R, ...row] = shape;
        if (R === undefined || rows.some((r) => r >= R)) throw new CheckpointError("NOT_FOUND", `${subject}: expected rows of ${name} below ${R ?? 0}, got ${rows.find((r) => r >= (R ?? 0))}`);
        return namedTensor(name, { dtype, shape: [rows.length, ...row] }, await readRows({ readInto }, dataStart + start, (end - start) / R, rows));
      },
    }),
  };
}
