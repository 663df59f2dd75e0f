import { refusal } from "./answers.js";
import type { RepoRef } from "./hub.js";
import { HubError } from "./hubError.js";
import { checkPath, repoName, show } from "./names.js";
import { patience } from "./patience.js";
import { drop, place, reason, type Answer, type Requester } from "./request.js";

/** A file at a commit: its bytes never change. */
export interface RemoteFile {
  ref: RepoRef;
  commit: string;
  path: string;
  /** sha256 of an LFS file, git's sha1 of any other; the name of its blob in the cache. */
  etag: string;
  size: number;
}

/** The address below the endpoint of a file at a commit. */
function addressOf(ref: RepoRef, commit: string, path: string): string {
  return `/${repoName(ref)}/resolve/${commit}/${path.split("/").map(encodeURIComponent).join("/")}`;
}

/** Asks for a file's etag and size; undefined if the commit has no such file. LFS and Xet files are redirects to another origin, which is not asked. */
export async function lookUp(requester: Requester, ref: RepoRef, commit: string, path: string): Promise<RemoteFile | undefined> {
  checkPath(path, "path");
  const url = addressOf(ref, commit, path);
  let answer = await requester.request({ url, method: "HEAD", stopAtRedirect: true });
  const redirected = (a: Answer) => a.response.status >= 300 && a.response.status < 400;
  if (redirected(answer) && answer.etag === undefined) answer = await requester.request({ url, method: "HEAD" }); // a mirror's own redirect
  const { response } = answer;
  if (response.headers.get("x-error-code") === "EntryNotFound") return undefined;
  if (!response.ok && !redirected(answer)) throw await refusal(response, ref, requester);
  const etag = cleanEtag(answer.etag ?? response.headers.get("x-linked-etag") ?? response.headers.get("etag"));
  const size = answer.size ?? response.headers.get("x-linked-size") ?? (response.ok ? response.headers.get("content-length") : null);
  const subject = place(response.url || requester.endpoint + url);
  // The etag becomes a file's name.
  if (etag === undefined || !/^[\w-][\w.-]{0,127}$/.test(etag) || etag.includes(".."))
    throw new HubError("FORMAT", `${subject}: expected an etag of letters and digits, got ${show(etag)}`, "check HF_ENDPOINT: it may not be a Hub");
  if (size === null || !/^\d{1,15}$/.test(size)) throw new HubError("FORMAT", `${subject}: expected a size, got ${show(size)}`, "check HF_ENDPOINT: it may not be a Hub");
  return { ref, commit, path, etag, size: Number(size) };
}

/** As huggingface_hub names blobs: without `W/` and quotes. */
function cleanEtag(header: string | null | undefined): string | undefined {
  return header?.replace(/^W\//, "").replace(/^"|"$/g, "");
}

/**
 * The bytes start..end of a file. A connection that breaks or stalls is taken up at the byte it had; so many breaks as
 * the requester has tries, without 64 KiB between them, are an error.
 * @param whenWhole a server that ignores ranges sends the file from its beginning: "skip" reads up to `start` for nothing, "refuse" is an UNSUPPORTED error
 * @throws HubError NETWORK; FORMAT when the file is not the one that was looked up
 */
export async function* readRemote(requester: Requester, file: RemoteFile, start: number, end: number, whenWhole: "skip" | "refuse"): AsyncGenerator<Uint8Array> {
  const url = addressOf(file.ref, file.commit, file.path);
  const subject = `${repoName(file.ref)}/${file.path}`;
  let at = start;
  for (let failures = 0, mark = start; at < end; ) {
    const stop = new AbortController();
    try {
      const partly = at > 0 || end < file.size;
      const answer = await requester.request({ url, signal: stop.signal, ...(partly && { range: { first: at, last: end - 1 } }) });
      try {
        let skip = await firstByte(answer, file, at, requester);
        if (skip > 0 || (answer.response.status === 200 && partly)) {
          if (whenWhole === "refuse") throw new HubError("UNSUPPORTED", `${subject}: expected a server that sends ranges, got the whole file`, "download the whole file first");
          if (skip > 0) requester.notice(`${subject}: the server ignores ranges; reading ${skip} bytes again`);
        }
        for await (let bytes of readBody(answer.response, stop, requester)) {
          const unwanted = Math.min(skip, bytes.length);
          skip -= unwanted;
          bytes = bytes.subarray(unwanted, unwanted + end - at);
          if (bytes.length === 0) continue;
          at += bytes.length;
          yield bytes;
          if (at === end) return;
        }
        if (answer.response.status === 206 && at > mark) continue; // a server may send less than was asked for
        throw requester.networkError(requester.endpoint + url, `${at} of ${file.size} bytes, then the end`);
      } catch (error) {
        if (!(error instanceof HubError) || error.code !== "NETWORK") throw error;
        failures = at - mark >= 65_536 ? 1 : failures + 1;
        mark = at;
        await requester.retry(failures, error, { told: `${subject}: the connection broke at byte ${at} of ${file.size} (${error.message})` });
      }
    } finally {
      stop.abort(); // ends a body that was left early
    }
  }
}

/** Checks that an answer is of this file; how many bytes before `at` it begins with. */
async function firstByte({ response, etag: sent }: Answer, file: RemoteFile, at: number, requester: Requester): Promise<number> {
  const subject = `${repoName(file.ref)}/${file.path}`;
  const changed = async (what: string, expected: unknown, got: unknown) => {
    await drop(response);
    await requester.onDoubt?.(file);
    return new HubError("FORMAT", `${subject}: expected ${what} ${show(expected)}, got ${show(got)}: the file has changed`, "start again");
  };
  const etag = cleanEtag(sent);
  /** Of the same file, by its etag, another size is a fault on the way, which may pass. */
  const wrong = async (what: string, expected: unknown, got: unknown) => {
    if (etag !== file.etag) return changed(what, expected, got);
    await drop(response);
    await requester.onDoubt?.(file);
    return requester.networkError(response.url, `${what} ${show(got)} for ${show(expected)} of ${subject}`);
  };
  if (response.status === 416) throw await wrong("size", file.size, "less");
  if (!response.ok) throw await refusal(response, file.ref, requester);
  if (etag !== undefined && etag !== file.etag) throw await changed("etag", file.etag, etag);
  const length = response.headers.get("content-length");
  if (response.status !== 206) {
    if (length !== null && Number(length) !== file.size) throw await wrong("size", file.size, length);
    return at;
  }
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "") ?? [];
  if (Number(first) !== at) throw await wrong("bytes from", at, response.headers.get("content-range"));
  if (total !== "*" && Number(total) !== file.size) throw await wrong("size", file.size, total);
  if (length !== null && Number(length) !== Number(last) + 1 - at) throw await wrong("bytes", Number(last) + 1 - at, length);
  return 0;
}

/** A body whose stalls end: less than 1 KiB within the idle timeout, the reader's own pauses not counted. */
export async function* readBody(response: Response, stop: AbortController, requester: Requester): AsyncGenerator<Uint8Array> {
  if (!response.body) return;
  const reader = response.body.getReader();
  let left = requester.idleTimeout;
  let recent = 0;
  let stalled = false;
  for (;;) {
    const began = performance.now();
    const end = patience(left, () => {
      stalled = true;
      stop.abort();
    });
    let step: ReadableStreamReadResult<Uint8Array>;
    try {
      step = await reader.read();
    } catch (error) {
      throw requester.networkError(response.url, stalled ? `less than 1 KiB in ${requester.idleTimeout / 1000} s` : reason(error), error);
    } finally {
      end();
    }
    if (step.done) return;
    recent += step.value.length;
    left = recent >= 1024 ? requester.idleTimeout : Math.max(1, left - (performance.now() - began));
    if (recent >= 1024) recent = 0;
    yield step.value;
  }
}
