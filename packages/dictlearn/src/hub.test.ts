import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openHub } from "@dictlearn/hub";
import { packRows } from "@dictlearn/neox";
import { devices, firstCommit, oracle, patternBytes, secondCommit, setUpHub, type HubFile, type HubRepo, type HubSetup } from "@dictlearn/testing";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { openDictionary, openModel, openTokenizer, type Model } from "./index.js";

const [{ device }] = await devices();
const small = fileURLToPath(oracle("sparse-rep/model"));
const files = (folder: string): Record<string, HubFile> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, { bytes: readFileSync(join(folder, name)), lfs: /\.(safetensors|pt)$/.test(name) }]));
const model = files(small);
/** Recorded files as they lie in a folder of a repository. */
const under = (folder: string, recorded: string) => Object.fromEntries(Object.entries(files(fileURLToPath(oracle(recorded)))).map(([name, file]) => [`${folder}/${name}`, file]));
const text = (content: string): HubFile => ({ bytes: new TextEncoder().encode(content) });

/** The small model followed by 4 MB that nothing asks for, so that what is not read shows. */
function padded(bytes: Uint8Array): Uint8Array {
  const length = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const data = bytes.subarray(8 + length);
  header["not.of.the.model"] = { dtype: "U8", shape: [4_000_000], data_offsets: [data.length, data.length + 4_000_000] };
  const json = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([size, json, data, patternBytes(4_000_000, 3)]);
}

const weights = readFileSync(join(small, "model.safetensors"));
const tensors = Object.keys(JSON.parse(weights.toString("utf8", 8, 8 + Number(weights.readBigUInt64LE()))) as object).filter((name) => name !== "__metadata__");
const shardOf = (name: string) => (/layers\.[2-9]|final|embed_out/.test(name) ? "late.safetensors" : "early.safetensors");
const sharded: Record<string, HubFile> = {
  ...Object.fromEntries(Object.entries(model).filter(([name]) => name !== "model.safetensors")),
  "model.safetensors.index.json": text(JSON.stringify({ weight_map: Object.fromEntries(tensors.map((name) => [name, shardOf(name)])) })),
  "early.safetensors": { bytes: weights, lfs: true },
  "late.safetensors": { bytes: padded(weights), lfs: true },
};

const repos = (): Record<string, HubRepo> => ({
  "owner/small": { commits: { [firstCommit]: { ...model, "model.safetensors": { bytes: padded(weights), lfs: true } }, [secondCommit]: { "README.md": text("nothing else") } }, refs: { v1: firstCommit, main: secondCommit } },
  "owner/sharded": { commits: { [firstCommit]: sharded }, refs: { main: firstCommit } },
  "owner/private": { private: true, commits: { [firstCommit]: model }, refs: { main: firstCommit } },
  "owner/saes": { commits: { [firstCommit]: { "runs/a/ae.pt": { bytes: readFileSync(oracle("sparse-rep/ae.pt")), lfs: true }, ...under("layers.3.mlp", "formats/sparsify/topk"), ...under("blocks.3", "formats/saelens/gated") } }, refs: { main: firstCommit } },
});

let hub: HubSetup;
beforeEach(async () => {
  hub = await setUpHub(repos());
});
afterEach(() => hub[Symbol.asyncDispose]());
const temporary = mkdtempSync(join(tmpdir(), "dictlearn-hub-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));
const open = (options = {}) => openHub({ ...hub.options, ...options });

async function activations(opened: Model, site: string): Promise<Float32Array> {
  let read: Promise<unknown> | undefined;
  await opened.neox.run(packRows([[7, 8, 9]]), { at: { [site]: (x) => void (read = x.read()) } });
  return (await read) as Float32Array;
}

describe("a model by its name on the Hub", () => {
  const place = { repo: "owner/small", revision: "v1" };

  test("at a revision gives what its folder gives, of the weights only those of the site are fetched, and nothing twice", async () => {
    const [remote, local] = [await openModel(place.repo, { device: device!, revision: "v1", hub: open() }), await openModel(small, { device: device! })];
    const atOpening = hub.server.bytesSent();
    for (const site of ["layers.0.mlp_out", "layers.3.resid_post"]) expect(await activations(remote, site)).toEqual(await activations(local, site));
    expect([remote.name, remote.tokenizer.encode("The lamp.")]).toEqual(["owner/small", local.tokenizer.encode("The lamp.")]);
    await Promise.all([remote.dispose(), local.dispose()]);
    const all = hub.server.bytesSent();
    expect(atOpening).toBeLessThan(all);
    expect(all).toBeLessThan(500_000); // of 4.2 MB

    const [requests, again] = [hub.server.requests.length, await openModel(place.repo, { device: device!, revision: "v1", hub: open(), site: "layers.3.resid_post" })];
    await again.dispose();
    expect(hub.server.bytesSent()).toBe(all);
    expect(hub.server.requests.length).toBeGreaterThan(requests); // whether v1 has moved

    const offline = await openModel(place.repo, { device: device!, revision: "v1", hub: open({ offline: true }), site: "layers.3.resid_post" });
    await offline.dispose();
  });

  test("without a network what is cached serves; what is not is an error that names it", async () => {
    await (await openModel(place.repo, { device: device!, revision: "v1", hub: open(), site: "layers.0.mlp_out" })).dispose();
    const offline = { device: device!, revision: "v1", hub: open({ offline: true }) };
    await (await openModel(place.repo, { ...offline, site: "layers.0.mlp_out" })).dispose();
    await expect(openModel("owner/sharded", { device: device!, hub: offline.hub })).rejects.toMatchObject({ code: "NOT_FOUND", message: expect.stringMatching(/owner\/sharded.*offline/) });
  });

  test("a cache that Python filled, which holds no list of files, serves without a network", async () => {
    const snapshot = join(hub.options.cache, "models--owner--python", "snapshots", firstCommit);
    mkdirSync(snapshot, { recursive: true });
    mkdirSync(join(snapshot, "../../refs"));
    writeFileSync(join(snapshot, "../../refs/main"), firstCommit);
    for (const name of Object.keys(model)) copyFileSync(join(small, name), join(snapshot, name));
    const opened = await openModel("owner/python", { device: device!, site: "layers.3.mlp_out", hub: open({ offline: true }) });
    await opened.dispose();
    expect(hub.server.requests).toEqual([]);
  });

  test("in shards: one that the site does not need is not opened", async () => {
    const opened = await openModel("owner/sharded", { device: device!, site: "layers.1.mlp_out", hub: open() });
    await opened.dispose();
    const asked = hub.server.requests.map(({ path }) => path);
    expect(asked.some((path) => path.includes("early.safetensors"))).toBe(true);
    expect(asked.filter((path) => path.includes("late.safetensors"))).toEqual([]);
  });

  test("a folder of that name where the person stands comes first", async () => {
    const cwd = process.cwd();
    mkdirSync(join(temporary, "owner/small"), { recursive: true });
    for (const name of Object.keys(model)) copyFileSync(join(small, name), join(temporary, "owner/small", name));
    process.chdir(temporary);
    try {
      await (await openModel("owner/small", { device: device!, hub: open() })).dispose();
    } finally {
      process.chdir(cwd);
    }
    expect(hub.server.requests).toEqual([]);
  });

  test("its tokenizer alone: no weights are asked for", async () => {
    const tokenizer = await openTokenizer("owner/small", { revision: "v1", hub: open() });
    expect(tokenizer.decode(tokenizer.encode("The lamp."))).toBe("The lamp.");
    expect(hub.server.requests.filter(({ path }) => path.includes("safetensors"))).toEqual([]);
  });

  test.each([
    ["a revision without a model", "owner/small", "main", /^owner\/small@main\/config\.json: expected the model's config, got no such file$/],
    ["no such repository", "owner/none", undefined, /owner\/none/],
    ["no such revision", "owner/small", "v9", /v9/],
  ])("%s is an error of one line", async (_, name, revision, message) => {
    const error = await openModel(name, { device: device!, revision, hub: open() }).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "NOT_FOUND", message: expect.stringMatching(message) });
    expect((error as Error).message).not.toContain("\n");
  });
});

test("without a hub of its own a script takes the environment, as Python's libraries do", async () => {
  const script = `import { openTokenizer } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
    const tokenizer = await openTokenizer("owner/private");
    console.log(tokenizer.endOfText);`;
  const run = (token: string) => {
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HF_|.*_proxy$)/i.test(name)));
    const env = { ...inherited, HF_ENDPOINT: hub.server.url, HF_HOME: join(hub.folder, token), HF_TOKEN: token };
    return promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env });
  };
  expect((await run("hf_good")).stdout).toBe("0\n");
  const refused: unknown = await run("hf_other").catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("owner/private") });
  expect((refused as { stderr: string }).stderr).not.toContain("hf_other");
});

describe("a dictionary on the Hub", () => {
  test.each(["hf:owner/saes/runs/a/ae.pt", "hf:owner/saes/runs/a", "hf:owner/saes@main/runs/a"])("%s", async (name) => {
    const dictionary = await openDictionary(name, { device: device!, hub: open() });
    expect([dictionary.D, dictionary.kind]).toEqual([32, "AutoEncoder"]);
    dictionary.dispose();
  });
  test.each([
    ["hf:owner/saes/layers.3.mlp", "AutoEncoderTopK"],
    ["hf:owner/saes/layers.3.mlp/sae.safetensors", "AutoEncoderTopK"],
    ["hf:owner/saes@main/blocks.3", "GatedAutoEncoder"],
  ])("%s, of another library; of its folder only weights and config are fetched, and they serve without a network", async (name, kind) => {
    const dictionary = await openDictionary(name, { device: device!, hub: open() });
    expect([dictionary.D, dictionary.F, dictionary.kind]).toEqual([12, 40, kind]);
    dictionary.dispose();
    expect(hub.server.requests.filter(({ path }) => /io\.safetensors|sparsity/.test(path))).toEqual([]);
    (await openDictionary(name, { device: device!, hub: open({ offline: true }) })).dispose();
  });
  test("that Python cached serves without a network", async () => {
    const snapshot = join(hub.options.cache, "models--owner--python-saes", "snapshots", firstCommit);
    mkdirSync(join(snapshot, "layers.3.mlp"), { recursive: true });
    mkdirSync(join(snapshot, "../../refs"));
    writeFileSync(join(snapshot, "../../refs/main"), firstCommit);
    for (const name of ["cfg.json", "sae.safetensors"]) copyFileSync(oracle(`formats/sparsify/topk/${name}`), join(snapshot, "layers.3.mlp", name));
    const dictionary = await openDictionary("hf:owner/python-saes/layers.3.mlp", { device: device!, hub: open({ offline: true }) });
    expect(dictionary.kind).toBe("AutoEncoderTopK");
    dictionary.dispose();
    expect(hub.server.requests).toEqual([]);
  });
  test("that is not there is an error of one line", async () => {
    await expect(openDictionary("hf:owner/saes/runs/b", { device: device!, hub: open() })).rejects.toMatchObject({ code: "NOT_FOUND", message: expect.stringContaining("runs/b/ae.pt") });
  });
});
