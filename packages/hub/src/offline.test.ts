import { readFile } from "node:fs/promises";
import { secondCommit, setUpHub } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { openHub } from "./openHub.js";

const tiny = { repo: "owner/tiny" };
const texts = { type: "dataset", repo: "owner/texts", revision: "main" } as const;

async function collect(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts);
}

test("with all in the cache everything works offline, and nothing is asked", async () => {
  await using hub = await setUpHub();
  const online = openHub(hub.options);
  const files = await online.files(tiny);
  const path = await online.file(tiny, "model.safetensors");
  const partly = await online.source(texts, "data/train.jsonl");
  const slice = await partly.slice(100_000, 200_000);
  await partly.close();
  const before = hub.server.requests.length;
  const offline = openHub({ ...hub.options, offline: true });
  expect(await offline.files(tiny)).toEqual(files);
  expect(await offline.file(tiny, "model.safetensors")).toBe(path);
  expect(await offline.find(tiny, "model.safetensors")).toBe(path);
  const whole = await offline.source(tiny, "model.safetensors");
  expect(Buffer.from(await whole.slice(5, 300_000)).equals((await readFile(path)).subarray(5))).toBe(true);
  await whole.close();
  const kept = await offline.source(texts, "data/train.jsonl");
  expect(Buffer.from(await kept.slice(100_000, 200_000)).equals(Buffer.from(slice))).toBe(true);
  await expect(kept.slice(0, 400_000)).rejects.toMatchObject({ code: "NOT_FOUND", message: expect.stringContaining("all of the asked bytes of data/train.jsonl") as string });
  await kept.close();
  expect((await collect(offline.stream(tiny, "model.safetensors", { start: 299_000 }))).length).toBe(1000);
  expect(hub.server.requests.length).toBe(before);
});

test("what is missing offline is named, with where it was looked for and what fetches it", async () => {
  await using hub = await setUpHub();
  const offline = openHub({ ...hub.options, offline: true });
  await expect(offline.file(texts, "data/train.jsonl")).rejects.toMatchObject({
    code: "NOT_FOUND",
    message: `datasets/owner/texts: expected data/train.jsonl at main in the cache since offline is set, got none in ${hub.options.cache}/datasets--owner--texts or ${hub.options.ownCache}`,
    remedy: "with a network, `hf download owner/texts data/train.jsonl --repo-type dataset --revision main` fetches it; or unset HF_HUB_OFFLINE",
  });
  for (const read of [() => offline.files(tiny), () => offline.source(tiny, "a"), () => offline.zipEntry(tiny, "a.zip", "b"), () => collect(offline.stream(tiny, "a")), () => offline.file({ ...tiny, revision: secondCommit }, "a")])
    await expect(read()).rejects.toMatchObject({ code: "NOT_FOUND", remedy: expect.stringContaining("hf download owner/tiny") as string });
  expect(await offline.find(tiny, "config.json")).toBeUndefined();
  expect(hub.server.requests).toEqual([]);
});

test("when nothing answers, the cache serves with a notice", async () => {
  await using hub = await setUpHub();
  const path = await openHub(hub.options).file(tiny, "config.json");
  await hub.server.close();
  const opened = openHub(hub.options);
  expect(await opened.file(tiny, "config.json")).toBe(path);
  expect(hub.notices).toEqual([expect.stringMatching(/expected an answer, got \w+; using what the cache has of main, commit 22222222$/)]);
  await expect(opened.file(tiny, "model.safetensors")).rejects.toMatchObject({ code: "NETWORK" });
  await expect(opened.file({ ...tiny, revision: "v1" }, "config.json")).rejects.toMatchObject({ code: "NETWORK", remedy: expect.stringContaining("hf download") as string });
});

test("a Hub that is out of order counts as none", async () => {
  await using hub = await setUpHub();
  const path = await openHub(hub.options).file(tiny, "config.json");
  hub.server.faults.push({ status: 500 });
  expect(await openHub(hub.options).file(tiny, "config.json")).toBe(path);
});

test("a cached file at a commit needs no network at all", async () => {
  await using hub = await setUpHub();
  const path = await openHub(hub.options).file(tiny, "config.json");
  await hub.server.close();
  expect(await openHub(hub.options).file({ ...tiny, revision: secondCommit }, "config.json")).toBe(path);
  expect(hub.notices).toEqual([]);
});
