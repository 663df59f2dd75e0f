import { readFile } from "node:fs/promises";
import { firstCommit, hubFixture, patternBytes, setUpHub, storedZip } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { openHub } from "./openHub.js";
import { patience } from "./patience.js";

const tiny = { repo: "owner/tiny" };
const texts = { type: "dataset", repo: "owner/texts" } as const;
const weights = patternBytes(300_000, 1);

function expectBytes(got: ArrayBuffer | Uint8Array, expected: Uint8Array): void {
  expect(Buffer.from(got as Uint8Array).equals(expected)).toBe(true);
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return Buffer.concat(parts);
}

describe("what passes is waited for, and told", () => {
  test.each([400, 401, 403])("a signed address that has run out (%i) is asked for anew, also midway", async (status) => {
    await using hub = await setUpHub();
    hub.server.faults.push({ on: "cdn", cutAfter: 100_000, times: 1 }, { on: "cdn", status, times: 2 });
    expectBytes(await readFile(await openHub(hub.options).file(tiny, "model.safetensors")), weights);
    expect(hub.notices).toEqual([
      expect.stringMatching(/^retrying in [\d.]+ s \(2 of 8\): owner\/tiny\/model\.safetensors: the connection broke at byte 100000 of 300000 \(.*\)$/),
      expect.stringMatching(new RegExp(`^retrying in [\\d.]+ s \\(2 of 8\\): .* status ${status}$`)),
      expect.stringMatching(new RegExp(`^retrying in [\\d.]+ s \\(3 of 8\\): .* status ${status}$`)),
    ]);
  });

  test.each(["1000", "123456789"])("a wrong length, %s, of a file that is the same by its etag", async (length) => {
    await using hub = await setUpHub();
    hub.server.faults.push({ on: "cdn", headers: { "content-length": length }, times: 2 });
    expectBytes(await readFile(await openHub(hub.options).file(tiny, "model.safetensors")), weights);
    const source = await openHub(hub.options).source(texts, "data/train.jsonl");
    hub.server.faults.push({ on: "cdn", headers: { "content-length": length }, times: 2 });
    expectBytes(await source.slice(70_000, 200_000), patternBytes(500_000, 2).subarray(70_000, 200_000));
    await source.close();
  });

  test("an answer of the API that is cut off", async () => {
    await using hub = await setUpHub();
    hub.server.faults.push({ match: /^\/api\/.*\/revision\//, cutAfter: 20, times: 2 }, { match: /^\/api\/.*\/tree\//, cutAfter: 5, times: 2 });
    expect(await openHub(hub.options).files(texts)).toHaveLength(2);
  });

  test("waits grow, and differ from one another", async () => {
    await using hub = await setUpHub();
    hub.server.faults.push({ on: "cdn", status: 503 });
    await expect(openHub({ ...hub.options, retryPause: 8 }).file(tiny, "model.safetensors")).rejects.toMatchObject({ code: "NETWORK" });
    const waits = hub.notices.map((line) => Number(/^retrying in ([\d.]+) s/.exec(line)![1]));
    expect(waits).toHaveLength(7);
    waits.forEach((wait, i) => {
      expect(wait).toBeGreaterThanOrEqual(0.004 * 2 ** i * 0.9); // told with two digits
      expect(wait).toBeLessThanOrEqual(0.012 * 2 ** i * 1.1);
    });
    expect(new Set(waits.map((wait, i) => Math.round(1e4 * (wait / 2 ** i)))).size).toBeGreaterThan(1);
  });

  test("a Retry-After of nothing, or of the past, does not make tries that follow at once", async () => {
    await using hub = await setUpHub();
    hub.server.faults.push({ on: "cdn", status: 429, headers: { "retry-after": "0" }, times: 3 }, { on: "cdn", status: 503, headers: { "retry-after": new Date(0).toUTCString() }, times: 3 });
    expectBytes(await readFile(await openHub(hub.options).file(tiny, "model.safetensors")), weights);
    for (const line of hub.notices) expect(line).not.toMatch(/^retrying in 0 s/);
  });
});

describe("what was wrong once does not stay", () => {
  test("a size that the Hub told wrongly", async () => {
    await using hub = await setUpHub();
    hub.server.faults.push({ method: "HEAD", headers: { "x-linked-size": "400000" }, times: 1 });
    await expect(collect(openHub(hub.options).stream(texts, "data/train.jsonl"))).rejects.toMatchObject({ code: "NETWORK", message: expect.stringContaining(`size "500000" for "400000"`) as string });
    expectBytes(await collect(openHub(hub.options).stream(texts, "data/train.jsonl")), patternBytes(500_000, 2));
  });

  test("the directory of a zip", async () => {
    const entry = patternBytes(1000, 3);
    await using hub = await setUpHub({ "owner/zips": { commits: { [firstCommit]: { "a.zip": { bytes: new Uint8Array(storedZip({ "one/ae.pt": entry, "two/ae.pt": entry })), lfs: true } } }, refs: { main: firstCommit } } });
    const read = () => openHub(hub.options).zipEntry({ repo: "owner/zips" }, "a.zip", "one/ae.pt");
    hub.server.faults.push({ on: "cdn", corrupt: true, times: 1 });
    await expect(read()).rejects.toMatchObject({ code: "FORMAT" });
    expectBytes(await readFile(await read()), entry);
  });
});

test("a token that a server sends back is in no message", async () => {
  const token = "hf_good";
  const repos = hubFixture();
  await using hub = await setUpHub(repos);
  const said: string[] = [];
  const fails = async (read: () => Promise<unknown>) => {
    const error = (await read().then(() => undefined, (error: unknown) => error)) as Error & { remedy?: string };
    expect(error).toBeInstanceOf(Error);
    said.push(error.message, error.remedy ?? "", String((error as { cause?: unknown }).cause));
  };
  const opened = () => openHub({ ...hub.options, token });
  for (const headers of [{ "x-error-message": `no access for ${token}` }, { etag: `"${token}/"`, "x-linked-etag": `"${token}/"` }, { location: `ftp://${token}` }, { location: `http://[${token}` }] as Record<string, string>[]) {
    hub.server.faults.splice(0, Infinity, { match: /config\.json$/, status: headers.location ? 302 : headers.etag ? 200 : 403, headers });
    await fails(() => opened().file(tiny, "config.json"));
  }
  expect(said.length).toBe(12);
  expect([...said, ...hub.notices].join("\n")).not.toContain(token);
});

test("patience is for the network alone: time that other work holds the loop up for does not count", async () => {
  let isOver = false;
  patience(200, () => (isOver = true));
  const until = performance.now() + 400;
  while (performance.now() < until); // as a long pass of a model
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  while (!isOver) await new Promise((resolve) => setTimeout(resolve, 5)); // it ends all the same
});
