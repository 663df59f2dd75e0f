import { open, rm, type FileHandle } from "node:fs/promises";
import { constants } from "node:fs";
import { crc32 } from "node:zlib";
import { checksum, readLocal, writeAll, wrongBytes } from "./download.js";
import type { HubOptions, RangeSource } from "./hub.js";
import { HubError } from "./hubError.js";
import { repoName } from "./names.js";
import { readRemote, type RemoteFile } from "./remoteFile.js";
import type { Requester } from "./request.js";

const chunkSize = 65_536;
const connections = 4;

/** A file that lies whole on this machine. */
export async function localSource(name: string, path: string): Promise<RangeSource> {
  const file = await open(path);
  const byteLength = (await file.stat()).size;
  return {
    name,
    byteLength,
    async slice(start, end) {
      checkRange(name, start, end, byteLength);
      return readExactly(file, start, end);
    },
    close: () => file.close(),
  };
}

export interface RemoteSourceInput {
  /** undefined: offline, so only what is kept. */
  requester?: Requester;
  file: RemoteFile;
  /** Where the bytes are kept. */
  path: string;
  onProgress?: HubOptions["onProgress"];
  /** Every byte is here and right: makes the kept file one of the cache. */
  adopt(): Promise<void>;
  /** For a server without ranges: the path of the whole file. */
  fetchWhole(): Promise<string>;
  /** What to throw for bytes that are neither kept nor to be had. */
  missing(): HubError;
}

/**
 * A file read by ranges into a sparse file on disk, in chunks of 64 KiB. Beside it stands each chunk's crc32 (0: not here), so
 * a chunk counts only if its bytes are those that arrived, and two processes never undo each other's marks.
 */
export async function remoteSource(input: RemoteSourceInput): Promise<RangeSource> {
  const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
  const data = await open(input.path, flags, 0o666);
  const marks = await open(`${input.path}.crc32`, flags, 0o666).catch(async (error) => {
    await data.close();
    throw error;
  });
  const source = new RemoteSource(input, data, marks);
  try {
    await source.load();
  } catch (error) {
    await source.close();
    throw error;
  }
  return source;
}

class RemoteSource implements RangeSource {
  readonly name: string;
  readonly byteLength: number;
  readonly #here: Uint8Array; // by chunk: 0 not here, 1 marked, 2 marked and checked
  readonly #coming = new Map<number, Promise<void>>();
  #wanted = new Set<number>();
  #turn: Promise<void> | undefined;
  #received = 0;
  #total = 0;
  #whole: Promise<RangeSource> | undefined;
  #adopted = false;
  #closed = false;

  constructor(
    private readonly input: RemoteSourceInput,
    private readonly data: FileHandle,
    private readonly marks: FileHandle,
  ) {
    this.name = `${repoName(input.file.ref)}/${input.file.path}`;
    this.byteLength = input.file.size;
    this.#here = new Uint8Array(Math.ceil(this.byteLength / chunkSize));
  }

  async load(): Promise<void> {
    const bytes = new Uint8Array(await readUpTo(this.marks, 0, this.#here.length * 4));
    const words = new DataView(bytes.buffer);
    for (let chunk = 0; chunk * 4 + 4 <= bytes.length; chunk++) this.#here[chunk] = words.getUint32(chunk * 4, true) === 0 ? 0 : 1;
    if ((await this.data.stat()).size !== this.byteLength) this.#here.fill(0); // another process has just made a file of the cache of it, and its marks go too
    await this.#adoptIfWhole();
  }

  async slice(start: number, end: number): Promise<ArrayBuffer> {
    checkRange(this.name, start, end, this.byteLength);
    if (this.#closed) throw new HubError("USAGE", `${this.name}: expected an open source, got a closed one`);
    if (start === end) return new ArrayBuffer(0);
    if (!this.#whole) {
      try {
        await this.#bring(Math.floor(start / chunkSize), Math.ceil(end / chunkSize));
      } catch (error) {
        if (!(error instanceof HubError) || error.code !== "UNSUPPORTED") throw error;
        this.#whole ??= this.#openWhole();
      }
    }
    return this.#whole ? (await this.#whole).slice(start, end) : readExactly(this.data, start, end);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.allSettled(this.#coming.values());
    await this.data.close();
    await this.marks.close();
    if (this.#whole) await this.#whole.then((source) => source.close(), () => undefined);
  }

  async #openWhole(): Promise<RangeSource> {
    return localSource(this.name, await this.input.fetchWhole());
  }

  /** Sees to it that chunks first..last (excluded) are here and as they arrived. */
  async #bring(first: number, last: number): Promise<void> {
    for (let chunk = first; chunk < last; chunk++) if (this.#here[chunk] !== 2 && !this.#coming.has(chunk)) this.#wanted.add(chunk);
    // All that is asked for in this turn of the event loop goes together.
    if (this.#wanted.size > 0) await (this.#turn ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#bringWanted()));
    const coming: Promise<void>[] = [];
    for (let chunk = first; chunk < last; chunk++) if (this.#coming.has(chunk)) coming.push(this.#coming.get(chunk)!);
    for (const result of await Promise.allSettled(coming)) if (result.status === "rejected") throw result.reason;
  }

  #bringWanted(): void {
    this.#turn = undefined;
    const chunks = [...this.#wanted].sort((a, b) => a - b);
    this.#wanted = new Set();
    const runs = this.#look(chunks).then(() => this.#fetchMissing(chunks));
    for (const chunk of chunks) {
      const here = runs.then((byChunk) => byChunk.get(chunk)).finally(() => this.#coming.delete(chunk));
      here.catch(() => undefined); // whoever waits for it hears of it
      this.#coming.set(chunk, here);
    }
  }

  /** Compares chunks with their marks: a crash may have kept the one and lost the other, and another process may have brought some. */
  async #look(chunks: number[]): Promise<void> {
    const marks = new DataView(await readUpTo(this.marks, chunks[0] * 4, chunks.at(-1)! * 4 + 4));
    for (const chunk of chunks) {
      const at = (chunk - chunks[0]) * 4;
      const mark = at + 4 <= marks.byteLength ? marks.getUint32(at, true) : 0;
      const right = mark !== 0 && markOf(new Uint8Array(await readUpTo(this.data, ...this.#extent(chunk)))) === mark;
      this.#here[chunk] = right ? 2 : 0;
    }
  }

  #extent(chunk: number): [start: number, end: number] {
    return [chunk * chunkSize, Math.min(this.byteLength, (chunk + 1) * chunkSize)];
  }

  /** Starts a request for every run of missing chunks, a few at a time. */
  #fetchMissing(chunks: number[]): Map<number, Promise<void>> {
    const { requester } = this.input;
    const runs: [first: number, last: number][] = [];
    for (const chunk of chunks) {
      if (this.#here[chunk] === 2) continue;
      const run = runs.at(-1);
      if (run?.[1] === chunk) run[1]++;
      else runs.push([chunk, chunk + 1]);
    }
    if (runs.length > 0 && !requester) throw this.input.missing();
    const byChunk = new Map<number, Promise<void>>();
    const lanes = Array.from({ length: connections }, () => Promise.resolve());
    runs.forEach(([first, last], i) => {
      this.#total += Math.min(this.byteLength, last * chunkSize) - first * chunkSize;
      const run = lanes[i % connections].then(() => this.#fetchRun(requester!, first, last));
      lanes[i % connections] = run.catch(() => undefined);
      for (let chunk = first; chunk < last; chunk++) byChunk.set(chunk, run);
    });
    return byChunk;
  }

  async #fetchRun(requester: Requester, first: number, last: number): Promise<void> {
    const end = Math.min(this.byteLength, last * chunkSize);
    const buffer = new Uint8Array(chunkSize);
    let filled = 0;
    let chunk = first;
    for await (let bytes of readRemote(requester, this.input.file, first * chunkSize, end, "refuse")) {
      this.#received += bytes.length;
      this.input.onProgress?.({ name: this.input.file.path, received: this.#received, total: this.#total });
      while (bytes.length > 0) {
        const [from, to] = this.#extent(chunk);
        const part = bytes.subarray(0, to - from - filled);
        buffer.set(part, filled);
        filled += part.length;
        bytes = bytes.subarray(part.length);
        if (filled < to - from) continue;
        await writeAll(this.data, buffer.subarray(0, filled), from);
        const mark = new Uint8Array(4);
        new DataView(mark.buffer).setUint32(0, markOf(buffer.subarray(0, filled)), true);
        await writeAll(this.marks, mark, chunk * 4);
        this.#here[chunk] = 2;
        filled = 0;
        chunk++;
      }
    }
    await this.#adoptIfWhole();
  }

  /** Once every chunk is here: checks the whole, and makes it a file of the cache. */
  async #adoptIfWhole(): Promise<void> {
    if (this.#adopted || this.#here.includes(0)) return;
    this.#adopted = true;
    const check = checksum(this.input.file);
    let got = this.input.file.etag;
    if (check && (await this.data.stat()).size === this.byteLength) {
      for await (const bytes of readLocal(this.data, 0, this.byteLength)) check.update(bytes);
      got = check.digest("hex");
    }
    if (got !== this.input.file.etag || (await this.data.stat()).size !== this.byteLength) {
      this.#here.fill(0);
      this.#adopted = false;
      await this.marks.truncate(0);
      await this.data.truncate(0);
      throw wrongBytes(this.input.file, got);
    }
    await this.data.sync();
    await this.input.adopt();
    await rm(`${this.input.path}.crc32`, { force: true });
  }
}

const markOf = (bytes: Uint8Array) => crc32(bytes) || 1; // 0 says "not here"

function checkRange(name: string, start: number, end: number, size: number): void {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start || end > size)
    throw new HubError("USAGE", `${name}: expected a range in 0..${size}, got ${start}..${end}`);
}

async function readUpTo(file: FileHandle, start: number, end: number): Promise<ArrayBuffer> {
  const buffer = new Uint8Array(end - start);
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled === buffer.length ? buffer.buffer : buffer.buffer.slice(0, filled);
}

async function readExactly(file: FileHandle, start: number, end: number): Promise<ArrayBuffer> {
  const buffer = await readUpTo(file, start, end);
  if (buffer.byteLength !== end - start) throw new HubError("IO", `file of the cache: expected bytes ${start}..${end}, got ${buffer.byteLength} of them`, "remove it; it is fetched again");
  return buffer;
}
