import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { open } from "node:fs/promises";
import { hubFixture, patternBytes, setUpHub, type HubSetup } from "@dictlearn/testing";
import { afterEach, expect, test } from "vitest";
import type { HubOptions } from "./hub.js";
import { openHub } from "./openHub.js";

const tiny = { repo: "owner/tiny" };
const weights = patternBytes(300_000, 1);

async function expectWeights(path: string): Promise<void> {
  expect(Buffer.from(weights).equals(await readFile(path))).toBe(true);
}

/** No file may count that was not checked. */
async function expectNothingWhole(hub: HubSetup): Promise<void> {
  expect(await openHub({ ...hub.options, offline: true }).find(tiny, "model.safetensors")).toBeUndefined();
  const blobs = await readdir(join(hub.options.cache, "models--owner--tiny", "blobs")).catch(() => []);
  expect(blobs.filter((name) => !name.endsWith(".dictlearn-incomplete"))).toEqual([]);
}

test("progress tells bytes and total, and ends at the whole", async () => {
  await using hub = await setUpHub();
  const seen: { name: string; received: number; total?: number }[] = [];
  await expectWeights(await openHub({ ...hub.options, onProgress: (p) => void seen.push(p) }).file(tiny, "model.safetensors"));
  expect(seen.at(-1)).toEqual({ name: "model.safetensors", received: 300_000, total: 300_000 });
  expect(seen.every(({ received }, i) => i === 0 || received > seen[i - 1].received)).toBe(true);
});

test("a connection that is cut goes on at the byte it had", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ on: "cdn", cutAfter: 100_000, times: 2 });
  await expectWeights(await openHub(hub.options).file(tiny, "model.safetensors"));
  expect(hub.server.bytesSent()).toBe(300_000);
  expect(hub.server.requests.filter(({ origin }) => origin === "cdn").map(({ range }) => range)).toEqual([undefined, "bytes=100000-299999", "bytes=200000-299999"]);
  expect(hub.notices).toHaveLength(2);
});

test("what an earlier run left is gone on from", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ on: "cdn", cutAfter: 100_000, times: 1 }, { on: "cdn", status: 500, times: 8 });
  await expect(openHub(hub.options).file(tiny, "model.safetensors")).rejects.toMatchObject({ code: "NETWORK" });
  await expectNothingWhole(hub);
  await expectWeights(await openHub(hub.options).file(tiny, "model.safetensors"));
  expect(hub.server.bytesSent()).toBe(300_000);
});

test("a server that ignores ranges is read past what was there", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ on: "cdn", cutAfter: 100_000, times: 1 }, { on: "cdn", ignoreRange: true });
  await expectWeights(await openHub(hub.options).file(tiny, "model.safetensors"));
  expect(hub.notices.join("\n")).toContain("ignores ranges");
});

test("wrong bytes are fetched once more, then an error; nothing of them stays", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ on: "cdn", corrupt: true, times: 1 });
  await expectWeights(await openHub(hub.options).file(tiny, "model.safetensors"));
  expect(hub.server.bytesSent()).toBe(600_000);

  await using other = await setUpHub();
  other.server.faults.push({ on: "cdn", corrupt: true });
  await expect(openHub(other.options).file(tiny, "model.safetensors")).rejects.toMatchObject({ code: "FORMAT", message: expect.stringContaining("expected bytes with hash") as string });
  expect(other.server.bytesSent()).toBe(600_000);
  expect(await readdir(join(other.options.cache, "models--owner--tiny", "blobs"))).toEqual([]);
});

test("a file outside LFS is checked by git's hash", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ method: "GET", match: /config\.json$/, corrupt: true });
  await expect(openHub(hub.options).file(tiny, "config.json")).rejects.toMatchObject({ code: "FORMAT" });
});

test.each([500, 502, 503, 504, 408])("status %i is tried again", async (status) => {
  await using hub = await setUpHub();
  hub.server.faults.push({ status, times: 2 }, { on: "cdn", status, times: 2 });
  await expectWeights(await openHub(hub.options).file(tiny, "model.safetensors"));
});

test("an endless 503 is an error after five tries, and after eight where the Hub has served before", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ status: 503 });
  await expect(openHub(hub.options).file(tiny, "config.json")).rejects.toMatchObject({ code: "NETWORK", message: expect.stringContaining("status 503") as string });
  expect(hub.server.requests).toHaveLength(5);
  const opened = openHub(hub.options);
  hub.server.faults.splice(0);
  await opened.file(tiny, "config.json");
  hub.server.faults.push({ status: 503 });
  const before = hub.server.requests.length;
  await expect(opened.file(tiny, "model.safetensors")).rejects.toMatchObject({ code: "NETWORK" });
  expect(hub.server.requests).toHaveLength(before + 8);
});

test("the Hub's own way to say how long to wait is understood", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ status: 429, headers: { ratelimit: '"api";r=0;t=1' }, forMs: 500 });
  expect(await openHub(hub.options).file(tiny, "config.json")).toContain("config.json");
});

test("a Retry-After may be a date", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ status: 503, headers: { "retry-after": new Date(Date.now() + 3_600_000).toUTCString() } });
  await expect(openHub(hub.options).file(tiny, "config.json")).rejects.toMatchObject({ code: "NETWORK", message: expect.stringMatching(/asks to wait 3(600|5\d\d) s/) as string });
});

test("429 waits as long as it is asked to, with a notice; too long is an error at once", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ status: 429, headers: { "retry-after": "1" }, forMs: 500 }); // four tries without a wait would be over by then
  await openHub(hub.options).file(tiny, "config.json");
  expect(hub.notices).toEqual([expect.stringMatching(/^retrying in 1 s \(2 of 5\): http:\S+\/revision\/main: expected an answer, got status 429 \(asks to wait 1 s\)$/)]);

  hub.server.faults.push({ status: 429, headers: { "retry-after": "3600" } });
  const before = hub.server.requests.length;
  await expect(openHub(hub.options).file({ ...tiny, revision: "v1" }, "config.json")).rejects.toMatchObject({ code: "NETWORK", message: expect.stringContaining("3600 s") as string, remedy: expect.stringContaining("HF_TOKEN") as string });
  expect(hub.server.requests.length).toBe(before + 1);
});

test.each<["headers" | "body" | "trickle"]>([["headers"], ["body"], ["trickle"]])("a server that hangs (%s) is given up, and the next try serves", async (kind) => {
  await using hub = await setUpHub();
  hub.server.faults.push({ on: "cdn", times: 1, ...(kind === "trickle" ? { trickle: 20 } : { hang: kind }) });
  const options: HubOptions = { ...hub.options, idleTimeout: 1000, connectTimeout: 2000 };
  await expectWeights(await openHub(options).file(tiny, "model.safetensors"));
});

test("an endpoint that never answers is a NETWORK error after one try, with where the cache was looked for", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ hang: "headers" });
  await expect(openHub({ ...hub.options, connectTimeout: 100 }).file(tiny, "config.json")).rejects.toMatchObject({
    code: "NETWORK",
    message: expect.stringContaining("none within 0.1 s") as string,
    remedy: expect.stringMatching(/HTTPS_PROXY.*models--owner--tiny.*hf download owner\/tiny config\.json/s) as string,
  });
  expect(hub.server.requests).toHaveLength(1);
});

test("a refused connection names its cause", async () => {
  await using hub = await setUpHub();
  await hub.server.close();
  await expect(openHub(hub.options).file(tiny, "config.json")).rejects.toMatchObject({ code: "NETWORK", message: expect.stringContaining("ECONNREFUSED") as string });
});

test("an API's answer that breaks off is asked for again", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ match: /^\/api/, status: 200, headers: { "content-length": "100" }, hang: "body", times: 1 });
  await expectWeights(await openHub({ ...hub.options, idleTimeout: 1000, connectTimeout: 2000 }).file(tiny, "model.safetensors"));
});

test("a file asked for many times at once is fetched once", async () => {
  await using hub = await setUpHub();
  const opened = openHub(hub.options);
  const paths = await Promise.all(Array.from({ length: 8 }, () => opened.file(tiny, "model.safetensors")));
  expect(new Set(paths).size).toBe(1);
  expect(hub.server.bytesSent()).toBe(300_000);
  expect(hub.server.requests.filter(({ path }) => path.startsWith("/api/"))).toHaveLength(1); // the branch: looked up once
});

test.each([`"../../evil"`, `"a/b"`, `".."`, `"${"x".repeat(300)}"`, `""`])("etag %s does not become a file's name", async (etag) => {
  await using hub = await setUpHub();
  hub.server.faults.push({ match: /config\.json$/, headers: { etag, "x-linked-etag": etag } });
  await expect(openHub(hub.options).file(tiny, "config.json")).rejects.toMatchObject({ code: "FORMAT" });
  expect(await readdir(hub.folder)).toEqual(expect.not.arrayContaining(["evil"]));
});

test("an etag that is no hash counts by size alone, weak ones included", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ match: /config\.json$/, headers: { etag: `W/"of-a-mirror"`, "x-linked-etag": `W/"of-a-mirror"` } });
  const path = await openHub(hub.options).file(tiny, "config.json");
  expect(await readFile(path, "utf8")).toContain("gpt_neox");
  expect(await readdir(join(hub.options.cache, "models--owner--tiny", "blobs"))).toEqual(["of-a-mirror"]);
});

test("a mirror that redirects to another origin is followed, and the token stays behind", async () => {
  await using hub = await setUpHub();
  await using mirror = await setUpHub({});
  mirror.server.faults.push({ match: /resolve.*config/, status: 308, headers: { location: `${hub.server.url}/owner/tiny/resolve/v1/config.json` } });
  mirror.server.faults.push({ match: /^\/api/, status: 307, headers: { location: `${hub.server.url}/api/models/owner/tiny/revision/v1` } });
  const path = await openHub({ ...mirror.options, token: "hf_good" }).file(tiny, "config.json");
  expect(await readFile(path, "utf8")).toBe('{"model_type": "gpt_neox"}\n');
  expect(hub.server.requests.map(({ authorization }) => authorization)).toEqual(hub.server.requests.map(() => undefined));
});

test("redirects in a circle end", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ status: 302, headers: { location: "/round" } });
  await expect(openHub(hub.options).file(tiny, "config.json")).rejects.toMatchObject({ code: "NETWORK", message: expect.stringContaining("redirects in a row") as string });
});

const restore: (() => void)[] = [];
afterEach(() => {
  for (const undo of restore.splice(0)) undo();
});

test("a full disk is one clean error, and the download goes on once there is room", async () => {
  await using hub = await setUpHub();
  const any = await open(hub.folder);
  const handle = Object.getPrototypeOf(any) as { write(...input: unknown[]): Promise<unknown> };
  await any.close();
  const { write } = handle;
  let writes = 0;
  handle.write = function (this: unknown, ...input: unknown[]) {
    return ++writes > 1 ? Promise.reject(Object.assign(new Error("no space left"), { code: "ENOSPC", syscall: "write" })) : write.apply(this, input);
  };
  restore.push(() => void (handle.write = write));
  await expect(openHub(hub.options).file(tiny, "model.safetensors")).rejects.toMatchObject({ code: "IO", message: expect.stringContaining("full disk (ENOSPC)") as string, remedy: expect.stringContaining("HF_HOME") as string });
  restore.pop()!();
  await expectNothingWhole(hub);
  await expectWeights(await openHub(hub.options).file(tiny, "model.safetensors"));
});

test("hostile paths are refused before any request", async () => {
  await using hub = await setUpHub();
  const opened = openHub(hub.options);
  for (const path of ["../x", "/etc/passwd", "C:\\x", "a\0b", "a//b", "a/..", "x."]) {
    for (const read of [() => opened.file(tiny, path), () => opened.source(tiny, path), () => opened.find(tiny, path), () => opened.zipEntry(tiny, path, "a"), () => opened.zipEntry(tiny, "a.zip", path), () => opened.stream(tiny, path)[Symbol.asyncIterator]().next()])
      await expect(read()).rejects.toMatchObject({ code: "USAGE" });
  }
  for (const repo of ["../x", "a/../b", "a/b/c", "a\\b", ""]) await expect(opened.file({ repo }, "x")).rejects.toMatchObject({ code: "USAGE" });
  expect(hub.server.requests).toEqual([]);
});

test("a listing goes over its pages, is kept, and leaves out names that could leave the cache", async () => {
  const repos = hubFixture();
  const files = Object.values(repos["owner/texts"].commits)[0];
  files["../../evil"] = files["README.md"];
  files["data/C:/x"] = files["README.md"];
  await using hub = await setUpHub(repos);
  const texts = { type: "dataset", repo: "owner/texts" } as const;
  const listed = [{ path: "README.md", size: 8 }, { path: "data/train.jsonl", size: 500_000 }];
  expect(await openHub(hub.options).files(texts)).toEqual(listed);
  expect(hub.notices).toHaveLength(2);
  const before = hub.server.requests.length;
  expect(await openHub(hub.options).files(texts, { path: "data" })).toEqual(listed.slice(1));
  expect(hub.server.requests.length).toBe(before + 1); // the branch
  expect(await openHub({ ...hub.options, offline: true }).files(texts)).toEqual(listed);
});
