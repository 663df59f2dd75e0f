import assert from "node:assert/strict";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { openHub } from "@dictlearn/hub";
import { firstCommit, patternBytes, startHubServer, storedZip } from "@dictlearn/testing";
import { badNetwork } from "../harness/badNetwork.js";
import { expectTokenKept } from "../harness/token.js";

const token = "hf_secretOfTheFaults";
const bytes = { config: Buffer.from('{"model_type": "gpt_neox"}\n'), weights: patternBytes(300_000, 1), texts: patternBytes(200_000, 2), entry: patternBytes(60_000, 3) };
const archive = storedZip({ "big/ae.pt": patternBytes(150_000, 4), "mlp_out_layer3/10/ae.pt": bytes.entry });
const repos = {
  "owner/model": { private: true, commits: { [firstCommit]: { "config.json": { bytes: bytes.config }, "model.safetensors": { bytes: bytes.weights, lfs: true } } }, refs: { main: firstCommit } },
  "owner/texts": { type: "dataset", commits: { [firstCommit]: { "train/0.jsonl": { bytes: bytes.texts, lfs: true } } }, refs: { main: firstCommit } },
  "owner/zips": { commits: { [firstCommit]: { "a.zip": { bytes: archive, lfs: true } } }, refs: { main: firstCommit } },
};
const [model, texts, zips] = [{ repo: "owner/model" }, { type: "dataset", repo: "owner/texts" }, { repo: "owner/zips" }];

/** Ways to read, and which bytes they must give. Of files that are read whole the bytes may be wrong once on the way. */
const ways = {
  file: { checked: true, read: async (hub) => [bytes.weights, await readFile(await hub.file(model, "model.safetensors"))] },
  "small file": { checked: true, read: async (hub) => [bytes.config, await readFile(await hub.file(model, "config.json"))] },
  stream: { read: async (hub, random) => {
    const start = random.below(100_000);
    const parts = [];
    for await (const part of hub.stream(texts, "train/0.jsonl", { start })) parts.push(part);
    return [bytes.texts.subarray(start), Buffer.concat(parts)];
  } },
  ranges: { ranges: true, read: async (hub, random) => {
    const source = await hub.source(model, "model.safetensors");
    const [a, b] = [random.below(300_000), random.below(300_000)].sort((x, y) => x - y);
    try {
      return [bytes.weights.subarray(a, b), Buffer.from(await source.slice(a, b))];
    } finally {
      await source.close();
    }
  } },
  zip: { ranges: true, read: async (hub) => [bytes.entry, await readFile(await hub.zipEntry(zips, "a.zip", "mlp_out_layer3/10/ae.pt"))] },
  list: { read: async (hub) => [[["train/0.jsonl", 200_000]], (await hub.files(texts)).map(({ path, size }) => [path, size])] },
};

/** Everything that is read of a Hub, over a network where a third of the requests goes wrong: the bytes are right. */
export const network = {
  name: "network",
  promise: 2,
  minutes: 0.3,
  few: 12,
  lanes: 4,
  async open({ folder }) {
    return {
      cases: 400,
      async one(n, random) {
        const way = ways[Object.keys(ways)[n % Object.keys(ways).length]];
        const server = await startHubServer(repos, { tokens: [token] });
        const network = badNetwork(random, { share: 0.5, checked: () => way.checked, ranges: way.ranges });
        server.schedule = network.schedule;
        const home = join(folder, `case-${n}`);
        await mkdir(home);
        const notices = [];
        try {
          const hub = openHub({ cache: join(home, "hub"), ownCache: join(home, "own"), endpoint: server.url, token, retryPause: 1, connectTimeout: 400, idleTimeout: 400, onNotice: (line) => notices.push(line) });
          const [expected, got] = await readAtLast(() => way.read(hub, random));
          assert.deepEqual(Buffer.isBuffer(got) ? Buffer.compare(got, expected) : got, Buffer.isBuffer(got) ? 0 : expected);
          await expectTokenKept(token, { server, texts: notices, folders: [home] });
        } catch (error) {
          throw new Error(`${Object.keys(ways)[n % Object.keys(ways).length]}, after ${JSON.stringify(network.faults)}: ${notices.join("; ")}`, { cause: error });
        } finally {
          await server.close();
          await rm(home, { recursive: true, force: true });
        }
        return { "network faults survived": network.count() };
      },
    };
  },
};

/** Where nothing has ever answered, one silence is taken for no network: a person tries again. */
async function readAtLast(read) {
  try {
    return await read();
  } catch (error) {
    if (!/none within/.test(error.message)) throw error;
    return read();
  }
}
