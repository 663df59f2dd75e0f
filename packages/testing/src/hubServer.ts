import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Bytes that need not exist: a file of many GB costs nothing. */
export interface VirtualBytes {
  size: number;
  read(start: number, end: number): Uint8Array;
}

export interface HubFile {
  bytes: Uint8Array | VirtualBytes;
  /** Kept on the second origin, as LFS and Xet files are; needs `sha256` if virtual. */
  lfs?: boolean;
  sha256?: string;
}

export interface HubRepo {
  type?: "model" | "dataset";
  /** By commit, 40 letters. */
  commits: Record<string, Record<string, HubFile>>;
  /** Branches, tags and `refs/pr/1` by name. */
  refs: Record<string, string>;
  private?: boolean;
  gated?: boolean;
  /** Answers with a relative redirect, as a renamed repository does. */
  renamedTo?: string;
}

/** What goes wrong, for the next `times` requests that match. */
export interface HubFault {
  on?: "hub" | "cdn";
  match?: RegExp; // against the path
  method?: "GET" | "HEAD";
  times?: number; // default: always
  forMs?: number; // only so long after its first time
  status?: number;
  headers?: Record<string, string>; // with a status, or over a good answer's
  cutAfter?: number; // bytes of the body, then the socket is destroyed
  ignoreRange?: boolean;
  hang?: "headers" | "body"; // body: the headers and one byte
  trickle?: number; // ms between single bytes
  corrupt?: boolean; // the first byte of the body is another
  pause?: number; // ms before the answer
}

export interface HubRequest {
  origin: "hub" | "cdn";
  method: string;
  path: string;
  range?: string;
  authorization?: string;
  /** All that arrived: method, address and headers. */
  raw: string;
  status: number;
  /** Bytes of the body that were handed to the socket. */
  sent: number;
}

export interface HubServer {
  url: string;
  requests: HubRequest[];
  faults: HubFault[];
  /** What goes wrong with a request, where none of `faults` matches. */
  schedule?: (request: HubRequest) => HubFault | undefined;
  /** Bytes of bodies, API answers left out. */
  bytesSent(): number;
  /** Two origins, so two servers; afterwards nothing answers. */
  close(): Promise<void>;
}

/**
 * A Hugging Face Hub on loopback: resolve, revision and tree, with the real one's headers and error codes, and a second
 * origin for LFS files. `tokens` may see everything, `otherTokens` are valid but may see what is public.
 */
export async function startHubServer(
  repos: Record<string, HubRepo>,
  { tokens = ["hf_good"], otherTokens = ["hf_other"], pageSize = 2 }: { tokens?: string[]; otherTokens?: string[]; pageSize?: number } = {},
): Promise<HubServer> {
  const requests: HubRequest[] = [];
  const faults: HubFault[] = [];
  const served: Pick<HubServer, "schedule"> = {};
  const linked = new Map<string, HubFile>(); // by sha256
  const signatures = new Set<string>(); // that no request has used: each is good for one
  let cdnUrl = "";

  const answerHub = async (call: Call) => {
    const { url, log } = call;
    const token = log.authorization?.replace(/^Bearer /, "");
    if (token !== undefined && !tokens.includes(token) && !otherTokens.includes(token)) return refuse(call, 401, "", "Invalid credentials in Authorization header");
    const address = url.pathname.replace(/^\/api\/resolve-cache\/(?:models\/|(datasets\/))([^/]+\/[^/]+)\/([^/]+)\//, "/$1$2/resolve/$3/");
    const route = /^(?:\/api\/(models|datasets)\/([^/]+\/[^/]+)\/(revision|tree)\/([^/]+)\/?(.*)|\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+))$/.exec(address);
    if (!route) return refuse(call, 404, "", "Sorry, we can't find the page you are looking for.");
    const [, kind, apiName, what, apiRevision, apiPath, prefix, fileName, fileRevision, filePath] = route;
    const name = apiName ?? fileName;
    const type = (kind ?? prefix)?.startsWith("datasets") ? "dataset" : "model";
    const repo = Object.hasOwn(repos, name) && (repos[name].type ?? "model") === type ? repos[name] : undefined;
    const allowed = token !== undefined && tokens.includes(token);
    if (!repo || (repo.private && !allowed)) return token === undefined ? refuse(call, 401, "RepoNotFound", "Invalid username or password.") : refuse(call, 404, "RepoNotFound", "Repository not found");
    if (repo.renamedTo) return send(call, 307, { location: url.pathname.replace(name, repo.renamedTo) + url.search });
    const revision = decodeURIComponent(apiRevision ?? fileRevision);
    const commit = Object.hasOwn(repo.refs, revision) ? repo.refs[revision] : revision;
    const files = repo.commits[commit];
    if (!files) return refuse(call, 404, "RevisionNotFound", `Invalid rev id: ${revision}`);
    if (what === "revision") return sendJson(call, { id: name, sha: commit, private: repo.private ?? false });
    if (what === "tree" && apiPath && !Object.keys(files).some((path) => path.startsWith(`${decodeURIComponent(apiPath)}/`))) return refuse(call, 404, "EntryNotFound", `${apiPath} does not exist on "${revision}"`);
    if (what === "tree") return sendJson(call, ...treePage(files, decodeURIComponent(apiPath), url, pageSize));
    if (repo.gated && !allowed) return refuse(call, token === undefined ? 401 : 403, "GatedRepo", `Access to model ${name} is restricted.`);
    const path = filePath.split("/").map(decodeURIComponent).join("/");
    const file = Object.hasOwn(files, path) ? files[path] : undefined;
    if (!file) return refuse(call, 404, "EntryNotFound", "Entry not found", { "x-repo-commit": commit });
    if (!file.lfs && !log.path.startsWith("/api/"))
      // Small files come through a cache of the Hub's own origin.
      return send(call, 307, { location: `/api/resolve-cache/${type}s/${name}/${commit}/${filePath}`, "x-repo-commit": commit, "x-linked-etag": `"${etagOf(file)}"`, "x-linked-size": String(sizeOf(file)) });
    if (!file.lfs) return sendFile(call, file, { "x-repo-commit": commit, etag: `"${etagOf(file)}"` });
    const etag = etagOf(file);
    linked.set(etag, file);
    const signature = `secret${requests.length}`;
    signatures.add(signature);
    return send(call, 302, {
      location: `${cdnUrl}/${etag}?signature=${signature}`,
      "x-repo-commit": commit,
      "x-linked-etag": `"${etag}"`,
      "x-linked-size": String(sizeOf(file)),
    });
  };
  const answerCdn = async (call: Call) => {
    const file = linked.get(call.url.pathname.slice(1));
    if (call.log.authorization !== undefined) return send(call, 400, {}); // as object stores do with two credentials
    const isSigned = signatures.delete(call.url.searchParams.get("signature") ?? "");
    return file && isSigned ? sendFile(call, file, { etag: '"of-the-store"' }) : send(call, 403, {});
  };

  const began = new Map<HubFault, number>();
  const over = (fault: HubFault) => {
    if (fault.forMs === undefined) return false;
    if (!began.has(fault)) began.set(fault, Date.now());
    return Date.now() - began.get(fault)! > fault.forMs;
  };

  const listen = async (origin: "hub" | "cdn", answer: (call: Call) => Promise<void>) => {
    const server = createServer((request, response) => {
      const url = new URL(request.url!, "http://loopback");
      const log: HubRequest = { origin, method: request.method!, path: url.pathname, range: request.headers.range, authorization: request.headers.authorization, raw: [request.method, request.url, ...request.rawHeaders].join("\n"), status: 0, sent: 0 };
      requests.push(log);
      const listed = faults.find(
        (f) => (f.on ?? origin) === origin && (f.method ?? log.method) === log.method && (f.match?.test(url.pathname) ?? true) && (f.times ?? 1) > 0 && !over(f),
      );
      if (listed?.times !== undefined) listed.times--;
      const fault = listed ?? served.schedule?.(log);
      void answerOrFail({ url: new URL(request.url!, `http://${request.headers.host}`), request, response, log, fault: fault ?? {} }, answer);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
  };
  const cdn = await listen("cdn", answerCdn);
  cdnUrl = cdn.url;
  const hub = await listen("hub", answerHub);
  return Object.assign(served, {
    url: hub.url,
    requests,
    faults,
    bytesSent: () => requests.filter(({ path }) => !/^\/api\/(models|datasets)\//.test(path)).reduce((sum, { sent }) => sum + sent, 0),
    close: async () => {
      await Promise.all([hub.server, cdn.server].map(stop));
    },
  });
}

interface Call {
  url: URL;
  request: IncomingMessage;
  response: ServerResponse;
  log: HubRequest;
  fault: HubFault;
}

async function answerOrFail(call: Call, answer: (call: Call) => Promise<void>): Promise<void> {
  const { fault, response } = call;
  if (fault.pause) await new Promise((resolve) => setTimeout(resolve, fault.pause));
  if (fault.hang === "headers") return; // until the other side gives up
  if (fault.status !== undefined) return send(call, fault.status, {});
  await answer(call).catch(() => response.destroy());
}

function send({ response, log, fault }: Call, status: number, headers: Record<string, string>, body?: Uint8Array): void {
  log.status = status;
  log.sent = log.method === "HEAD" ? 0 : (body?.length ?? 0);
  response.writeHead(status, { ...headers, ...fault.headers });
  if (fault.hang === "body") response.flushHeaders();
  else if (fault.cutAfter !== undefined && body && log.method !== "HEAD") response.write(body.subarray(0, fault.cutAfter), () => response.destroy());
  else endOf(response, fault, log.method === "HEAD" ? undefined : body);
}

/** An answer that says a wrong length is over with its connection, or whoever reads it would wait for the rest. */
function endOf(response: ServerResponse, { headers }: HubFault, body?: Uint8Array): void {
  if (headers?.["content-length"] === undefined) response.end(body);
  else response.end(body, () => response.destroy());
}

function refuse(call: Call, status: number, code: string, message: string, headers: Record<string, string> = {}): void {
  send(call, status, { ...headers, ...(code && { "x-error-code": code }), "x-error-message": message, "content-type": "application/json" }, Buffer.from(JSON.stringify({ error: message })));
}

function sendJson(call: Call, value: unknown, headers: Record<string, string> = {}): void {
  send(call, 200, { "content-type": "application/json", ...headers }, Buffer.from(JSON.stringify(value)));
}

function treePage(files: Record<string, HubFile>, folder: string, url: URL, pageSize: number): [entries: unknown[], headers: Record<string, string>] {
  const names = Object.keys(files).filter((name) => folder === "" || name.startsWith(`${folder}/`)).sort();
  const at = Number(url.searchParams.get("cursor") ?? 0);
  const entries = names.slice(at, at + pageSize).map((path) => {
    const file = files[path];
    return { type: "file", oid: gitHash(file), size: sizeOf(file), path, ...(file.lfs && { lfs: { oid: etagOf(file), size: sizeOf(file), pointerSize: 134 } }) };
  });
  if (at + pageSize >= names.length) return [entries, {}];
  const next = new URL(url);
  next.searchParams.set("cursor", String(at + pageSize));
  return [entries, { link: `<${next.href}>; rel="next"` }];
}

async function sendFile(call: Call, file: HubFile, headers: Record<string, string>): Promise<void> {
  const { log, response, fault } = call;
  const size = sizeOf(file);
  let [start, end] = [0, size];
  let status = 200;
  const range = fault.ignoreRange ? undefined : log.range;
  if (range !== undefined) {
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
    start = Number(first);
    end = Math.min(size, last === "" ? size : Number(last) + 1);
    if (!(start < end)) return send(call, 416, { "content-range": `bytes */${size}` });
    status = 206;
  }
  log.status = status;
  response.writeHead(status, {
    ...headers,
    "accept-ranges": "bytes",
    "content-length": String(end - start),
    ...(status === 206 && { "content-range": `bytes ${start}-${end - 1}/${size}` }),
    ...fault.headers,
  });
  if (log.method === "HEAD") {
    response.end();
    return;
  }
  const stopAt = fault.cutAfter === undefined ? end : Math.min(end, start + fault.cutAfter);
  const step = fault.trickle || fault.hang ? 1 : 16_384;
  for (let at = start; at < stopAt && !response.destroyed; at += step) {
    const bytes = new Uint8Array(readBytes(file, at, Math.min(stopAt, at + step))); // a copy, which slice() of a Buffer is not
    if (fault.corrupt && at === start) bytes[0] ^= 0xff;
    log.sent += bytes.length;
    if (!response.write(bytes)) await drained(response);
    if (fault.hang === "body") return;
    if (fault.trickle) await new Promise((resolve) => setTimeout(resolve, fault.trickle));
  }
  if (stopAt === end) endOf(response, fault);
  else {
    // So that what was sent arrives: turns of the event loop, since one long timer may come before the data of a busy moment.
    for (let turn = 0; turn < 25; turn++) await new Promise((resolve) => setTimeout(resolve, 4));
    response.destroy();
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done).off("close", done);
      resolve();
    };
    response.on("drain", done).on("close", done);
  });
}

const sizeOf = ({ bytes }: HubFile) => (bytes instanceof Uint8Array ? bytes.length : bytes.size);

function readBytes({ bytes }: HubFile, start: number, end: number): Uint8Array {
  return bytes instanceof Uint8Array ? bytes.subarray(start, end) : bytes.read(start, end);
}

function etagOf(file: HubFile): string {
  if (!file.lfs) return gitHash(file);
  return file.sha256 ?? createHash("sha256").update(readBytes(file, 0, sizeOf(file))).digest("hex");
}

function gitHash(file: HubFile): string {
  if (!(file.bytes instanceof Uint8Array)) return "0".repeat(40);
  return createHash("sha1").update(`blob ${file.bytes.length}\0`).update(file.bytes).digest("hex");
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
