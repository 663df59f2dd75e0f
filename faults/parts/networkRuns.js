import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandProcess, firstCommit, oracle, patternBytes, startHubServer, storedZip } from "@dictlearn/testing";
import { environment } from "../harness/app.js";
import { badNetwork } from "../harness/badNetwork.js";
import { expectSame } from "../harness/expectSame.js";
import { expectState } from "../harness/readable.js";
import { rawZstd } from "../harness/rawZstd.js";
import { expectTokenKept } from "../harness/token.js";

const token = "hf_secretOfTheFaults";
const read = (folder) => Object.fromEntries(readdirSync(folder).map((name) => [name, { bytes: readFileSync(join(folder, name)), lfs: name.endsWith("safetensors") }]));
const repo = (files, type) => ({ type, private: true, commits: { [firstCommit]: files }, refs: { main: firstCommit } });
const demo = read(fileURLToPath(new URL("../../packages/demo/data/model", import.meta.url)));
const lines = (whom) => Buffer.from(Array.from({ length: 150 }, (_, i) => `${JSON.stringify({ text: `${whom}, number ${i}: the state of the union is strong, and we have done ${i} things for it.` })}\n`).join(""));
const card = { bytes: Buffer.from("# texts\n") };
const parquet = readFileSync(oracle("corpus/snappy.parquet"));
const sparse = (path) => fileURLToPath(oracle(`sparse-rep/${path}`));
const dictionaries = storedZip({
  "resid_out_layer3/10/ae.pt": patternBytes(100_000, 5),
  "mlp_out_layer3/10/config.json": Buffer.from(JSON.stringify({ trainer: { dict_class: "AutoEncoder" } })),
  "mlp_out_layer3/10/ae.pt": readFileSync(sparse("ae.pt")),
});
const repos = {
  "owner/demo": repo(demo),
  "owner/zst": repo({ "README.md": card, ...Object.fromEntries(["Fellow citizens", "Gentlemen"].map((whom, i) => [`train/0${i}.jsonl.zst`, { bytes: rawZstd(lines(whom)), lfs: true }])) }, "dataset"),
  "owner/parquet": repo({ "README.md": card, ...Object.fromEntries([0, 1, 2, 3].map((i) => [`train/0${i}.parquet`, { bytes: parquet, lfs: true }])) }, "dataset"),
  "owner/tiny": repo(read(sparse("model"))),
  "owner/dictionaries": repo({ "all.zip": { bytes: dictionaries, lfs: true } }),
};

const training = ["--model-name", "owner/demo", "--device", "cpu", "--engine", "wasm", "--threads", "1", "--rows", "packed", "--layer", "0", "--context-length", "16", "--sae-batch-size", "64", "--num-tokens", "768", "--buffer-tokens", "256", "--features", "24", "--save-every", "3", "--trainer", "topk:k=4", "--save-dir", "out"];
const ways = {
  "train, zstd streamed": { app: "train", args: [...training, "--dataset-name", "owner/zst"] },
  "train, Parquet streamed": { app: "train", args: [...training, "--dataset-name", "owner/parquet"], ranges: true },
  "train, files kept": { app: "train", args: [...training, "--dataset-name", "owner/zst", "--cache-data"] },
  "sparse-rep, a dictionary out of a zip": { app: "sparse-rep", args: [sparse("sentences.csv"), "--model", "owner/tiny", "--dictionary", "hf:owner/dictionaries/all.zip!/mlp_out_layer3/10/ae.pt", "--device", "cpu", "--threads", "1", "--format", "csv", "--out", "out.csv"], ranges: true },
};

/** `train` and `sparse-rep` over a bad network, from an empty cache: all results are those of a good one. */
export const networkRuns = {
  name: "network-runs",
  promise: 2,
  minutes: 0.5,
  few: 4,
  lanes: 2,
  async open({ folder }) {
    const cli = new URL(import.meta.resolve("@dictlearn/command"));
    const kept = Object.fromEntries(["train", "sparse-rep"].map((app) => [app, new CommandProcess(new URL(`../../apps/${app}/dist/command.js`, import.meta.url), cli)]));
    const good = {};
    const start = async ({ app, args }, { cwd, server, home }) => kept[app].run({ args, cwd, env: environment({ HF_ENDPOINT: server.url, HF_HOME: home, HF_TOKEN: token, HF_HUB_ETAG_TIMEOUT: "2", HF_HUB_DOWNLOAD_TIMEOUT: "1", DICTLEARN_RETRY_MS: "1" }) });
    const undisturbed = async (way, cwd) => {
      const server = await startHubServer(repos, { tokens: [token] });
      await mkdir(cwd, { recursive: true });
      const { code, stderr } = await start(way, { cwd, server, home: `${cwd}-home` });
      assert.equal(code, 0, stderr);
      await server.close();
      return cwd;
    };
    return {
      cases: 60,
      async one(n, random) {
        const [name, way] = Object.entries(ways)[n % Object.keys(ways).length];
        const whole = await (good[name] ??= undisturbed(way, join(folder, `good-${n}`)));
        const server = await startHubServer(repos, { tokens: [token] });
        const network = badNetwork(random, { checked: (path) => /config|tokenizer/.test(path), ranges: way.ranges });
        server.schedule = network.schedule;
        const [cwd, home] = [join(folder, `case-${n}`), join(folder, `case-${n}-home`)];
        await mkdir(cwd);
        const texts = [];
        try {
          for (let starts = 1; ; starts++) {
            const isBegun = way.app === "train" && (await expectState(join(cwd, "out"))) !== undefined;
            const { code, stdout, stderr } = await start({ ...way, args: isBegun ? ["--resume", "out"] : way.args }, { cwd, server, home });
            texts.push(stdout, stderr);
            assert.doesNotMatch(stderr + stdout, /bundled demo/); // what is named is never replaced
            if (code === 0) break;
            // Where nothing has ever answered, a silence means that there is no network, and a person tries again.
            assert.match(stderr, /expected an answer, got none within 2 s/);
            assert.ok(starts < 3, stderr);
          }
          await expectSame(cwd, whole);
          await expectTokenKept(token, { server, texts, folders: [cwd, home] });
        } catch (error) {
          throw new Error(`${name}, after ${JSON.stringify(network.faults)}: ${texts.join("\n")}`, { cause: error });
        } finally {
          await server.close();
          for (const path of [cwd, home]) await rm(path, { recursive: true, force: true });
        }
        return { "network faults survived": network.count() };
      },
      close: () => Object.values(kept).forEach((one) => one.close()),
    };
  },
};
