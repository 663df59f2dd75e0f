import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, readlink, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { firstCommit, hubFixture, oracle, secondCommit, setUpHub } from "@dictlearn/testing";
import { expect, test } from "vitest";
import type { RepoRef } from "./hub.js";
import { openHub } from "./openHub.js";

type Tree = Record<string, { link: string } | { size: number; sha256: string }>;
const recorded = JSON.parse(await readFile(oracle("hub/cache.json"), "utf8")) as { fetched: [RepoRef["type"], string, string, string][]; files: Tree };
const tiny = { repo: "owner/tiny" };

async function treeOf(root: string): Promise<Tree> {
  const tree: Tree = {};
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(root, path).replaceAll("\\", "/");
    if (name.startsWith(".locks") || entry.isDirectory()) continue;
    if (entry.isSymbolicLink()) {
      tree[name] = { link: await readlink(path) };
      continue;
    }
    const bytes = await readFile(path);
    tree[name] = { size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
  }
  return tree;
}

/** Puts a recorded cache on disk, as Python would have. */
async function writeRecorded(root: string): Promise<void> {
  const contents = new Map<string, Uint8Array>();
  const add = (bytes: Uint8Array) => contents.set(createHash("sha256").update(bytes).digest("hex"), bytes);
  for (const repo of Object.values(hubFixture())) for (const files of Object.values(repo.commits)) for (const { bytes } of Object.values(files)) add(bytes as Uint8Array);
  for (const commit of "123") add(new TextEncoder().encode(commit.repeat(40)));
  for (const [name, file] of Object.entries(recorded.files)) {
    if (name === "CACHEDIR.TAG") continue;
    await mkdir(dirname(join(root, name)), { recursive: true });
    if ("link" in file) await symlink(file.link, join(root, name));
    else await writeFile(join(root, name), contents.get(file.sha256)!);
  }
}

test("the same files fetched leave the same cache as Python's huggingface_hub", async () => {
  await using hub = await setUpHub();
  const opened = openHub({ ...hub.options, token: "hf_good" });
  for (const [type, repo, revision, path] of recorded.fetched) {
    const file = opened.file({ type, repo, revision }, path);
    if (path === "missing.json") await expect(file).rejects.toMatchObject({ code: "NOT_FOUND" });
    else await file;
  }
  expect(await treeOf(hub.options.cache)).toEqual(recorded.files);
});

test("what Python fetched is found without a request, offline and at a commit", async () => {
  await using hub = await setUpHub();
  await writeRecorded(hub.options.cache);
  const offline = openHub({ ...hub.options, offline: true });
  for (const [type, repo, revision, path] of recorded.fetched) {
    const ref = { type, repo, revision };
    if (path === "missing.json") await expect(offline.file(ref, path)).rejects.toMatchObject({ code: "NOT_FOUND" });
    else expect(await offline.find(ref, path)).toBe(await offline.file(ref, path));
  }
  await openHub(hub.options).file({ ...tiny, revision: firstCommit }, "config.json");
  expect(hub.server.requests).toEqual([]);
});

test("a file of the same bytes at another commit is linked, not fetched", async () => {
  await using hub = await setUpHub();
  const opened = openHub(hub.options);
  await opened.file(tiny, "model.safetensors");
  const before = hub.server.bytesSent();
  await opened.file({ ...tiny, revision: "v1" }, "model.safetensors");
  expect(hub.server.bytesSent()).toBe(before);
});

test("a moved branch is seen by the next opened hub, and the old commit stays", async () => {
  const repos = hubFixture();
  await using hub = await setUpHub(repos);
  repos["owner/tiny"].refs.main = firstCommit;
  const old = await openHub(hub.options).file(tiny, "config.json");
  repos["owner/tiny"].refs.main = secondCommit;
  const moved = await openHub(hub.options).file(tiny, "config.json");
  expect([await readFile(old, "utf8"), await readFile(moved, "utf8")]).toEqual(['{"model_type": "gpt_neox"}\n', '{"model_type": "gpt_neox", "v": 2}\n']);
});

test("without links a snapshot holds the file itself", async () => {
  await using hub = await setUpHub();
  const options = { ...hub.options, symlinks: false };
  const path = await openHub(options).file(tiny, "config.json");
  const tree = await treeOf(hub.options.cache);
  expect(tree[relative(hub.options.cache, path)]).toMatchObject({ size: 35 });
  expect(Object.keys(tree).filter((name) => name.includes("/blobs/"))).toEqual([]); // moved, as Python does
  await openHub({ ...options, offline: true }).file(tiny, "config.json");
  const before = hub.server.bytesSent();
  await Promise.all([0, 1, 2].map(() => openHub(options).file(tiny, "model.safetensors"))); // as processes do: whoever waits finds no blob
  expect(hub.server.bytesSent() - before).toBe(300_000);
});

test("a link in a snapshot that leads out of the repository's folder is refused", async () => {
  await using hub = await setUpHub();
  const opened = openHub(hub.options);
  const path = await opened.file(tiny, "config.json");
  await writeFile(join(hub.folder, "secret"), "secret");
  await rm(path);
  await symlink(join(hub.folder, "secret"), path);
  const offline = openHub({ ...hub.options, offline: true });
  for (const read of [opened.file, opened.source, opened.find, offline.file])
    await expect(read(tiny, "config.json")).rejects.toMatchObject({ code: "IO", message: expect.stringContaining("leads out of it") as string });
});

test("a link where a folder of the cache should be is not written through", async () => {
  await using hub = await setUpHub();
  const outside = join(hub.folder, "outside");
  await mkdir(outside);
  for (const folder of ["blobs", `snapshots/${secondCommit}`, "refs", "snapshots"]) {
    const repo = join(hub.options.cache, "models--owner--tiny");
    await rm(repo, { recursive: true, force: true });
    await mkdir(dirname(join(repo, folder)), { recursive: true });
    await symlink(outside, join(repo, folder));
    await expect(openHub(hub.options).file(tiny, "config.json")).rejects.toMatchObject({ code: "IO" });
    expect(await readdir(outside)).toEqual([]);
  }
});

test("Python's store of blobs that repositories share is followed", async () => {
  await using hub = await setUpHub();
  const path = await openHub(hub.options).file(tiny, "model.safetensors");
  const blob = join(dirname(path), await readlink(path));
  const shared = join(hub.options.cache, "blobs", "ab", "ab".repeat(32));
  await mkdir(dirname(shared), { recursive: true });
  await cp(blob, shared);
  await rm(blob);
  await symlink(relative(dirname(blob), shared), blob);
  expect(await openHub({ ...hub.options, offline: true }).file(tiny, "model.safetensors")).toBe(path);
});

test("a cache that cannot be written is one clean error", async () => {
  await using hub = await setUpHub();
  await writeFile(join(hub.folder, "file"), "");
  const options = { ...hub.options, cache: join(hub.folder, "file", "hub") };
  await expect(openHub(options).file(tiny, "config.json")).rejects.toMatchObject({ code: "IO", remedy: expect.stringContaining("HF_HOME") as string });
});

test("whole files need nothing but Python's cache", async () => {
  await using hub = await setUpHub();
  await writeFile(join(hub.folder, "file"), "");
  const options = { ...hub.options, ownCache: join(hub.folder, "file", "own") };
  const path = await openHub(options).file(tiny, "config.json");
  expect(await openHub({ ...options, offline: true }).file(tiny, "config.json")).toBe(path);
});
