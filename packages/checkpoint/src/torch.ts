import { nameOf, readRange, type ByteSource } from "./byteSource.js";
import { entryOf, list, namedTensor, type Checkpoint, type NamedTensor } from "./checkpoint.js";
import { byteLengthOf, dtypes } from "./dtypes.js";
import { CheckpointError, formatError } from "./error.js";
import { isContiguous, makeContiguous, spanOf } from "./strides.js";
import { flatten, type PlainValue } from "./torchNames.js";
import { unpickleTorch, type TorchTensor } from "./torchPickle.js";
import { readZipDirectory, readZipMember, startOfMember, type ZipMember } from "./zip.js";

export type Piece = Pick<NamedTensor, "dtype" | "data">;

export interface TorchCheckpoint extends Checkpoint {
  /** What the file holds besides tensors, by dotted name: `step`, `config.lr`, `norm_factor`. */
  readonly values: ReadonlyMap<string, PlainValue>;
  /**
   * A tensor piece by piece, in row-major order, where it lies so in a file of this machine; else undefined. A piece is good
   * until the next is asked for.
   * @param elements of a piece, at least 1; the last may have fewer
   * @throws as `read`
   */
  pieces(name: string, elements: number): AsyncGenerator<Piece, void> | undefined;
}

/**
 * Reads the table of contents of a `.pt` or `.bin` file that torch.save wrote (torch 1.6 or later): a dict of tensors,
 * or of dicts, lists and plain values with tensors in them, whose keys are joined by dots. Nothing in the file is run.
 *
 * A tensor comes out in row-major order, whatever its strides; it may be a view of a larger storage, and tensors may
 * share one. Of a stored (not deflated) member only the bytes that the tensor spans are read.
 * @param at the dict to read, if not the outermost: `{ at: "ae" }` gives `encoder.weight` where the file has
 *   `ae.encoder.weight`, as in a backup {step, ae, optimizer, config, norm_factor}
 * @throws FORMAT for a file that is damaged, runs code, or claims what it does not hold; UNSUPPORTED for the layout
 *   before torch 1.6 and big-endian data; NOT_FOUND if there is nothing at `at`
 */
export async function openTorch(source: ByteSource, { at }: { at?: string } = {}): Promise<TorchCheckpoint> {
  const subject = nameOf(source);
  await refuseOldLayout(source, subject);
  const members = membersOf(await readZipDirectory(source), subject);
  await refuseBigEndian(source, members, subject);
  const pickle = members.get("data.pkl");
  if (!pickle) throw formatError(`${subject}: expected data.pkl in the archive, got ${list(members.keys())}`);
  const root = unpickleTorch(new Uint8Array(await readZipMember(source, pickle)), subject);
  const { tensors, values } = flatten(root, at, subject);
  const stored = new Map([...tensors].map(([name, tensor]) => [name, locate(tensor, members, `${subject}: ${name}`)]));

  function entry(name: string): StoredTensor {
    const value = values.get(name);
    if (value !== undefined) throw formatError(`${subject}: ${name}: expected a tensor, got ${value === null ? "None" : typeof value}`);
    return entryOf(stored, name, subject);
  }

  return {
    names: [...stored.keys()],
    values,
    has: (name) => stored.has(name),
    async info(name) {
      const { dtype, shape } = entry(name).tensor;
      return { dtype, shape };
    },
    async read(name, { columns = false } = {}) {
      const { tensor, member } = entry(name);
      const turned = columns && !isContiguous(tensor) && tensor.shape.length === 2 && transposedOf(tensor);
      if (turned && isContiguous(turned)) return { ...namedTensor(name, tensor, await readTensor(source, turned, member)), columns: true };
      return namedTensor(name, tensor, await readTensor(source, tensor, member));
    },
    pieces(name, elements) {
      const { tensor, member } = entry(name);
      return readsInPlace(source) && !member.deflated && isContiguous(tensor) ? piecesOf(source, { tensor, member }, elements) : undefined;
    },
  };
}

const readsInPlace = (source: ByteSource): source is ReadInPlace => source.readInto !== undefined;
type ReadInPlace = ByteSource & Required<Pick<ByteSource, "readInto">>;

/** One is read while the other is looked at. */
async function* piecesOf(source: ReadInPlace, { tensor, member }: StoredTensor, elements: number): AsyncGenerator<Piece, void> {
  const { bytes, array } = dtypes[tensor.dtype];
  const start = (await startOfMember(source, member)) + tensor.offset * bytes;
  const end = start + spanOf(tensor) * bytes;
  const rooms = [0, 1].map(() => new ArrayBuffer(Math.min(elements * bytes, end - start)));
  const read = async (at: number, room: ArrayBuffer) => {
    const length = Math.min(room.byteLength, end - at);
    if (length > 0) await source.readInto(new Uint8Array(room, 0, length), at);
    return { dtype: tensor.dtype, data: new array(room, 0, length / bytes) };
  };
  let ahead = read(start, rooms[0]);
  for (let at = start, i = 1; at < end; at += rooms[0].byteLength, i ^= 1) {
    const piece = await ahead;
    ahead = read(at + rooms[0].byteLength, rooms[i]);
    ahead.catch(() => {}); // told when it is awaited, if it is
    yield piece;
  }
}

const transposedOf = (matrix: TorchTensor): TorchTensor => ({ ...matrix, shape: [...matrix.shape].reverse(), strides: [...matrix.strides].reverse() });

interface StoredTensor {
  readonly tensor: TorchTensor;
  readonly member: ZipMember;
}

const largestExpansion = 4 * 2 ** 20;

/** The archive member with a tensor's storage. @throws FORMAT if the tensor reaches outside, or repeats itself hugely */
function locate(tensor: TorchTensor, members: ReadonlyMap<string, ZipMember>, subject: string): StoredTensor {
  const { storage, dtype, offset, shape } = tensor;
  const { bytes } = dtypes[dtype];
  const member = members.get(`data/${storage.key}`);
  if (!member) throw formatError(`${subject}: expected storage data/${storage.key} in the archive, got none`);
  const declared = storage.length * (storage.dtype ? bytes : 1);
  if (member.size !== declared) throw formatError(`${subject}: expected ${declared} bytes in data/${storage.key}, got ${member.size}`);
  const end = (offset + spanOf(tensor)) * bytes;
  if (end > member.size) throw formatError(`${subject}: expected a view within ${member.size} bytes, got one that ends at ${end}`);
  const length = byteLengthOf(dtype, shape);
  if (length > Math.max(member.size, largestExpansion))
    throw formatError(`${subject}: expected a view no larger than its storage, got ${length} bytes of ${member.size}`, "save tensor.contiguous()");
  return { tensor, member };
}

async function readTensor(source: ByteSource, tensor: TorchTensor, member: ZipMember): Promise<ArrayBuffer> {
  const { bytes } = dtypes[tensor.dtype];
  const span = spanOf(tensor);
  if (span === 0) return new ArrayBuffer(0);
  const start = tensor.offset * bytes;
  const data = await readZipMember(source, member, start, start + span * bytes);
  return isContiguous(tensor) ? data : makeContiguous(data, tensor, bytes);
}

/** The archive's members by their name in its one folder: data.pkl, byteorder, data/0, … */
function membersOf(directory: ReadonlyMap<string, ZipMember>, subject: string): Map<string, ZipMember> {
  const [first = ""] = directory.keys();
  const folder = first.slice(0, first.indexOf("/") + 1);
  return new Map(
    [...directory].map(([name, member]) => {
      if (folder === "" || !name.startsWith(folder)) throw formatError(`${subject}: expected one folder in the archive, got ${first} and ${name}`);
      return [name.slice(folder.length), member];
    }),
  );
}

async function refuseOldLayout(source: ByteSource, subject: string): Promise<void> {
  const magic = [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]; // pickled 0x1950a86a20f9469cfc6c
  const head = new Uint8Array(await readRange(source, 0, Math.min(magic.length, source.byteLength)));
  if (!magic.every((byte, i) => head[i] === byte)) return;
  throw new CheckpointError(
    "UNSUPPORTED",
    `${subject}: expected a zip archive, got the layout of torch before 1.6`,
    "re-save it: torch.save(torch.load(path, weights_only=True), path)",
  );
}

async function refuseBigEndian(source: ByteSource, members: ReadonlyMap<string, ZipMember>, subject: string): Promise<void> {
  const member = members.get("byteorder"); // torch before 2.1 wrote none
  if (!member || member.size > 16) return;
  const order = new TextDecoder().decode(await readZipMember(source, member));
  if (order !== "little") throw new CheckpointError("UNSUPPORTED", `${subject}: expected little-endian data, got ${JSON.stringify(order)}`);
}
