import { readdir } from "node:fs/promises";
import { hubFixture, patternBytes, setUpHub } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { openHub } from "./openHub.js";

const texts = { type: "dataset", repo: "owner/texts" } as const;
const path = "data/train.jsonl";
const bytes = Buffer.from(patternBytes(500_000, 2));

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

test.each([[undefined, undefined], [0, 1], [123_456, undefined], [7, 300_007], [500_000, undefined], [10, 10]])("a stream from %s to %s is that part of the file, and leaves nothing on disk", async (start, end) => {
  await using hub = await setUpHub();
  const seen: number[] = [];
  const streamed = await collect(openHub({ ...hub.options, onProgress: ({ received }) => void seen.push(received) }).stream(texts, path, { start, end }));
  expect(streamed.equals(bytes.subarray(start ?? 0, end ?? 500_000))).toBe(true);
  expect(seen.at(-1) ?? 0).toBe(streamed.length);
  expect(await readdir(hub.options.cache).catch(() => [])).toEqual([]);
});

test("a broken connection goes on at the byte it had", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ on: "cdn", cutAfter: 123_457, times: 3 });
  expect((await collect(openHub(hub.options).stream(texts, path))).equals(bytes)).toBe(true);
  expect(hub.server.bytesSent()).toBe(500_000);
});

test("a connection that never brings anything is an error after eight tries", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ on: "cdn", cutAfter: 0 });
  await expect(collect(openHub(hub.options).stream(texts, path))).rejects.toMatchObject({ code: "NETWORK" });
  expect(hub.server.requests.filter(({ origin }) => origin === "cdn")).toHaveLength(8);
});

test("a file that changed in between is an error", async () => {
  const repos = hubFixture();
  await using hub = await setUpHub(repos);
  hub.server.faults.push({ on: "cdn", cutAfter: 100_000, times: 1 });
  const stream = openHub(hub.options).stream(texts, path)[Symbol.asyncIterator]();
  await stream.next();
  Object.values(repos["owner/texts"].commits)[0][path] = { bytes: patternBytes(500_000, 3), lfs: true };
  await expect(
    (async () => {
      while (!(await stream.next()).done);
    })(),
  ).rejects.toMatchObject({ code: "FORMAT", message: expect.stringContaining("the file has changed") as string });
});

test("a stream that is left early lets go of its connection", async () => {
  await using hub = await setUpHub();
  let received = 0;
  for await (const part of openHub(hub.options).stream(texts, path)) {
    received += part.length;
    if (received > 20_000) break;
  }
  const { server } = hub;
  const again = await collect(openHub(hub.options).stream(texts, path, { start: 499_990 }));
  expect(again.equals(bytes.subarray(499_990))).toBe(true);
  await server.close(); // would wait for a connection that is still in use
});

test("ranges outside the file are refused", async () => {
  await using hub = await setUpHub();
  for (const range of [{ start: -1 }, { start: 2, end: 1 }, { end: 500_001 }, { start: 1.5 }]) await expect(collect(openHub(hub.options).stream(texts, path, range))).rejects.toMatchObject({ code: "USAGE" });
});
