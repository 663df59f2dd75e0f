import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { open, rm, type FileHandle } from "node:fs/promises";
import type { HubOptions } from "./hub.js";
import { HubError } from "./hubError.js";
import { repoName } from "./names.js";
import { readRemote, type RemoteFile } from "./remoteFile.js";
import type { Requester } from "./request.js";

/**
 * Writes bytes start..end of a file to `path`, going on from what an earlier run left there.
 * @param seen called with every byte in order, those of the earlier run included
 * @throws HubError; what has arrived stays, to be gone on from
 */
export async function downloadTo(
  path: string,
  requester: Requester,
  file: RemoteFile,
  { start, end, whenWhole }: { start: number; end: number; whenWhole: "skip" | "refuse" },
  seen: (bytes: Uint8Array, received: number) => void,
): Promise<void> {
  const target = await open(path, constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0), 0o666);
  try {
    let at = (await target.stat()).size;
    if (at > end - start) {
      await target.truncate(0);
      at = 0;
    }
    for await (const bytes of readLocal(target, 0, at)) seen(bytes, at);
    for await (const bytes of readRemote(requester, file, start + at, end, whenWhole)) {
      await writeAll(target, bytes, at);
      at += bytes.length;
      seen(bytes, at);
    }
    await target.sync(); // before the rename that makes it count
  } finally {
    await target.close();
  }
}

/**
 * Downloads a file to `path` and checks it by its etag; wrong bytes are deleted and fetched once more.
 * @throws HubError FORMAT if they are wrong again
 */
export async function downloadChecked(path: string, requester: Requester, file: RemoteFile, onProgress: HubOptions["onProgress"]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const check = checksum(file);
    await downloadTo(path, requester, file, { start: 0, end: file.size, whenWhole: "skip" }, (bytes, received) => {
      check?.update(bytes);
      onProgress?.({ name: file.path, received, total: file.size });
    });
    const got = check?.digest("hex") ?? file.etag;
    if (got === file.etag) return;
    await rm(path, { force: true });
    if (attempt === 2) throw wrongBytes(file, got);
    requester.notice(`${repoName(file.ref)}/${file.path}: the bytes that arrived are not the file's; fetching it again`);
  }
}

export function wrongBytes(file: RemoteFile, got: string): HubError {
  return new HubError("FORMAT", `${repoName(file.ref)}/${file.path}: expected bytes with hash ${file.etag}, got ${got}; they were deleted`, "try again, from another network if it stays: something on the way changes them");
}

/** The hash that a file's etag is: sha256 for LFS, git's for others; undefined for a server with other etags, where only the size counts. */
export function checksum({ etag, size }: RemoteFile): Hash | undefined {
  if (/^[0-9a-f]{64}$/.test(etag)) return createHash("sha256");
  if (/^[0-9a-f]{40}$/.test(etag)) return createHash("sha1").update(`blob ${size}\0`);
  return undefined;
}

/** Bytes start..end of an open file, 1 MiB at a time. */
export async function* readLocal(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  for (let at = start; at < end; ) {
    const buffer = new Uint8Array(Math.min(1 << 20, end - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) throw new HubError("IO", `file of the cache: expected ${end} bytes, got ${at}`, "remove it; it is fetched again");
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

export async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
}
