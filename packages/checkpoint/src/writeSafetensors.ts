import type { NamedTensor } from "./checkpoint.js";
import { byteLengthOf, dtypes, type Dtype } from "./dtypes.js";
import { formatError } from "./error.js";

/**
 * A safetensors file, byte for byte as Hugging Face's library writes it: the widest dtypes first, so that each tensor is
 * aligned, then by name; the header padded with spaces to a multiple of 8.
 * @throws FORMAT for a name given twice, or data that does not fill its shape
 */
export function writeSafetensors(
  tensors: Iterable<NamedTensor>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const inOrder = [...tensors].sort((a, b) => rank(b.dtype) - rank(a.dtype) || (a.name < b.name ? -1 : 1));
  const records = new Map<string, unknown>();
  if (metadata) records.set("__metadata__", metadata);
  let end = 0;
  for (const { name, dtype, shape, data } of inOrder) {
    const start = end;
    end += byteLengthOf(dtype, shape);
    if (records.has(name) || name === "__metadata__") throw formatError(`${name}: expected a name of its own, got one that is taken`);
    if (data.byteLength !== end - start)
      throw formatError(`${name}: expected ${end - start} bytes for ${dtype} [${shape}], got ${data.byteLength}`);
    records.set(name, { dtype: dtypes[dtype].safetensors, shape, data_offsets: [start, end] });
  }

  // Not JSON.stringify of an object: that would move names like "0" to the front.
  const members = [...records].map(([name, record]) => `${JSON.stringify(name)}:${JSON.stringify(record)}`);
  const header = new TextEncoder().encode(`{${members.join(",")}}`);
  const dataStart = 8 + Math.ceil(header.length / 8) * 8;
  const file = new Uint8Array(dataStart + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(dataStart - 8), true);
  file.fill(0x20, 8, dataStart).set(header, 8);
  let at = dataStart;
  for (const { data } of inOrder) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}

const order = Object.keys(dtypes);

function rank(dtype: Dtype): number {
  return order.indexOf(dtype);
}
