import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type Text } from "@dictlearn/corpus";
import { openHub } from "@dictlearn/hub";
import { firstCommit, oracle, secondCommit, setUpHub, type HubFile, type HubSetup } from "@dictlearn/testing";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { openTexts, type OpenTextsOptions } from "./index.js";

const { files, lists }: { files: Record<string, Record<string, number>>; lists: (string | null)[][] } = JSON.parse(readFileSync(oracle("corpus/expected.json"), "utf8"));
/** The texts that are not null; of lines of plain text, those that are not blank. */
const recorded = (file: string, column = "text") => lists[files[file][column]].filter((text) => text !== null && (text.trim() !== "" || !file.includes(".txt")));
const bytesOf = (file: string): HubFile => ({ bytes: readFileSync(oracle(`corpus/${file}`)), lfs: true });
const jsonl = (texts: readonly string[]): HubFile => ({ bytes: Buffer.from(texts.map((text) => `${JSON.stringify({ text })}\n`).join("")), lfs: true });
const plain = (text: string): HubFile => ({ bytes: Buffer.from(text) });

async function collect(name: string, options: OpenTextsOptions = {}): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of openTexts(name, options)) texts.push(text);
  return texts;
}
const failure = (name: string, options: OpenTextsOptions = {}) => collect(name, options).then(() => "nothing", (error: unknown) => error);

const three = [["a", "b"], ["c"], ["d", "e", "f"]];
const card = `---
configs:
- config_name: english
  data_files: en/*.jsonl
- config_name: all
  default: true
  data_files:
  - split: train
    path: "*/*.jsonl"
  - split: heldout
    path: held.jsonl.gz
---
`;
let hub: HubSetup;
beforeEach(async () => {
  hub = await setUpHub({
    ...Object.fromEntries(Object.keys(files).map((file) => [`formats/${file.replaceAll(".", "-")}`, { type: "dataset", commits: { [firstCommit]: { "README.md": plain("# No configurations"), [`data/${file}`]: bytesOf(file) } }, refs: { main: firstCommit } }])),
    "owner/pile": {
      type: "dataset",
      commits: { [firstCommit]: { "README.md": plain("# Pile"), ...Object.fromEntries(three.map((texts, i) => [`train/0${i}.jsonl`, jsonl(texts)])), "val.jsonl.zst": bytesOf("pile.jsonl.zst"), "test.jsonl": jsonl(["t"]) } },
      refs: { main: firstCommit },
    },
    "owner/configs": {
      type: "dataset",
      commits: { [firstCommit]: { "README.md": plain(card), "en/a.jsonl": jsonl(["hello"]), "fr/b.jsonl": jsonl(["bonjour"]), "held.jsonl.gz": { bytes: gzipSync(jsonl(["held"]).bytes as Uint8Array) } } },
      refs: { main: firstCommit },
    },
    "owner/script": {
      type: "dataset",
      commits: { [firstCommit]: { "script.py": plain("import os"), "README.md": plain("# Script") }, [secondCommit]: { "default/train/0000.parquet": bytesOf("zstd.parquet") } },
      refs: { main: firstCommit, "refs/convert/parquet": secondCommit },
    },
  });
});
afterEach(() => hub[Symbol.asyncDispose]());
const temporary = mkdtempSync(join(tmpdir(), "dictlearn-texts-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));
const open = (options = {}) => openHub({ ...hub.options, ...options });
const kept = (path: string): string[] => readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => /jsonl|parquet|blobs\/./.test(name));

describe("a data set by its name on the Hub", () => {
  test.each(Object.keys(files))("of %s gives the texts that Python reads", async (file) => {
    expect(await collect(`formats/${file.replaceAll(".", "-")}`, { hub: open() })).toEqual(recorded(file));
  });

  test("by split; nothing that was streamed is kept", async () => {
    expect(await collect("owner/pile", { hub: open() })).toEqual(three.flat());
    expect(await collect("owner/pile", { hub: open(), split: "validation" })).toEqual(recorded("pile.jsonl.zst"));
    expect(await collect("owner/pile", { hub: open(), split: "test" })).toEqual(["t"]);
    expect(await collect("owner/pile", { hub: open(), split: "validation", column: "meta.pile_set_name" })).toEqual(recorded("pile.jsonl.zst", "meta.pile_set_name"));
    expect(kept(hub.folder).filter((name) => /jsonl/.test(name))).toEqual([]);
  });

  test("by configuration; of several the one marked as default", async () => {
    expect(await collect("owner/configs", { hub: open() })).toEqual(["hello", "bonjour"]);
    expect(await collect("owner/configs", { hub: open(), config: "english" })).toEqual(["hello"]);
    expect(await collect("owner/configs", { hub: open(), split: "heldout" })).toEqual(["held"]);
  });

  test("kept where that is asked for: then it needs no network", async () => {
    for (const file of ["frames.jsonl.zst", "zstd.parquet"]) {
      const name = `formats/${file.replaceAll(".", "-")}`;
      expect(await collect(name, { hub: open(), cacheData: true })).toEqual(recorded(file));
      const sent = hub.server.bytesSent();
      expect(await collect(name, { hub: open() })).toEqual(recorded(file));
      expect(hub.server.bytesSent()).toBe(sent);
      expect(await collect(name, { hub: open({ offline: true }) })).toEqual(recorded(file));
    }
    expect(await failure("owner/pile", { hub: open({ offline: true }) })).toMatchObject({ code: "NOT_FOUND", message: expect.stringMatching(/owner\/pile.*offline/) });
  });

  test("whose files cannot be read names the copy as Parquet, which can", async () => {
    const error = await failure("owner/script", { hub: open() });
    expect(error).toMatchObject({ code: "UNSUPPORTED", message: expect.stringMatching(/^owner\/script: expected files of texts .*, got script\.py$/), remedy: expect.stringContaining("refs/convert/parquet") });
    expect(await collect("owner/script", { hub: open(), revision: "refs/convert/parquet" })).toEqual(recorded("zstd.parquet"));
  });

  test.each<[string, string, OpenTextsOptions, string, RegExp]>([
    ["an unknown split", "owner/pile", { split: "val" }, "USAGE", /^owner\/pile: expected a split, one of train, validation, test, got "val"$/],
    ["an unknown configuration", "owner/configs", { config: "german" }, "USAGE", /^owner\/configs: expected a config, one of english, all, got "german"$/],
    ["an unknown repository", "owner/none", {}, "NOT_FOUND", /owner\/none/],
    ["a column that is not there", "owner/pile", { column: "content" }, "FORMAT", /content/],
  ])("%s is an error of one line", async (_, name, options, code, message) => {
    const error = await failure(name, { hub: open(), ...options });
    expect(error).toMatchObject({ message: expect.stringMatching(message), code });
    expect((error as Error).message).not.toContain("\n");
  });
});

describe("any text's cursor", () => {
  const cases: [string, OpenTextsOptions][] = [["in order", {}], ["shuffled", { shuffle: { seed: 3, window: 4 } }]];
  test.each(cases)("goes on behind it, %s", async (_, options) => {
    const all: Text[] = [];
    for await (const text of openTexts("owner/pile", { hub: open(), ...options })) all.push(text);
    expect(all.map(({ text }) => text).sort()).toEqual(three.flat());
    for (const [i, { cursor }] of all.entries())
      expect(await collect("owner/pile", { hub: open(), ...options, cursor: JSON.parse(JSON.stringify(cursor)) })).toEqual(all.slice(i + 1).map(({ text }) => text));
  });
});

test("shuffled texts are the same for a seed, others for another, shards too", async () => {
  const options = (seed: number) => ({ hub: open(), shuffle: { seed, window: 1 } });
  expect(await collect("owner/pile", options(1))).toEqual(await collect("owner/pile", options(1)));
  const orders = await Promise.all(Array.from({ length: 20 }, (_, seed) => collect("owner/pile", options(seed))));
  expect(new Set(orders.map(([first]) => first))).toEqual(new Set(["a", "c", "d"])); // in a window of one, the first texts of shards
});

describe("on this machine", () => {
  const put = (path: string, file: string) => {
    mkdirSync(dirname(join(temporary, path)), { recursive: true });
    copyFileSync(fileURLToPath(oracle(`corpus/${file}`)), join(temporary, path));
    return join(temporary, path);
  };

  test.each(Object.keys(files))("the file %s", async (file) => {
    expect(await collect(fileURLToPath(oracle(`corpus/${file}`)))).toEqual(recorded(file));
  });

  test("a folder is a data set: splits by name, a card", async () => {
    put("set/train/a.jsonl", "plain.jsonl");
    put("set/train/b.jsonl.gz", "one.json.gz");
    put("set/test.txt", "lines.txt");
    expect(await collect(join(temporary, "set"))).toEqual([...recorded("plain.jsonl"), ...recorded("one.json.gz")]);
    expect(await collect(join(temporary, "set"), { split: "test" })).toEqual(recorded("lines.txt"));
    writeFileSync(join(temporary, "set/README.md"), "---\nconfigs:\n- config_name: c\n  data_files: train/a*\n---\n");
    expect(await collect(join(temporary, "set"))).toEqual(recorded("plain.jsonl"));
  });

  test("a glob, relative or not, its files in order", async () => {
    put("globs/a.jsonl.zst", "frames.jsonl.zst");
    put("globs/b.jsonl.zst", "pile.jsonl.zst");
    put("globs/deep/c.jsonl.zst", "frames.jsonl.zst");
    put("globs/other.txt", "lines.txt");
    const flat = [...recorded("frames.jsonl.zst"), ...recorded("pile.jsonl.zst")];
    expect(await collect(join(temporary, "globs/*.jsonl.zst"))).toEqual(flat);
    expect(await collect(join(temporary, "globs/**/*.zst"))).toEqual([...flat, ...recorded("frames.jsonl.zst")]);
    const cwd = process.cwd();
    process.chdir(temporary);
    try {
      expect(await collect("globs/[ab].*.zst")).toEqual(flat);
      expect(await collect("./globs/?.jsonl.zst")).toEqual(flat);
    } finally {
      process.chdir(cwd);
    }
  });

  test.each<[string, OpenTextsOptions, RegExp]>([
    [fileURLToPath(oracle("corpus/plain.jsonl")), { split: "test" }, /plain\.jsonl: expected no split, since it is a file, got "test"$/],
    [join(temporary, "*.jsonl"), { config: "en" }, /\*\.jsonl: expected no config, since it is a pattern of files, got "en"$/],
    ["demo", { revision: "v1" }, /^demo: expected no revision, since it is the bundled demo, got "v1"$/],
    [temporary, { revision: "v1" }, /expected no revision, since it is a folder on this machine, got "v1"$/],
  ])("%s has none of %j", async (name, options, message) => {
    expect(await failure(name, options)).toMatchObject({ code: "USAGE", message: expect.stringMatching(message) });
  });

  test.each([
    ["a glob without files", () => join(temporary, "nothing*.txt"), "NOT_FOUND", /nothing\*\.txt: expected files, got none$/],
    ["a glob of other files", () => join(temporary, "odd/*"), "UNSUPPORTED", /odd\/\*: expected files of texts .*, got a\.bin$/],
    ["a file of another kind", () => join(temporary, "odd/a.bin"), "UNSUPPORTED", /a\.bin: expected files of texts .*, got a\.bin$/],
    ["an empty folder", () => join(temporary, "empty"), "NOT_FOUND", /empty: expected files of texts, got none$/],
    ["no such path", () => join(temporary, "nowhere"), "NOT_FOUND", /nowhere: expected a data set's folder, its name on the Hugging Face Hub \(owner\/name\) or "demo", got no such folder$/],
  ])("%s is an error of one line", async (_, name, code, message) => {
    put("odd/a.bin", "plain.jsonl");
    mkdirSync(join(temporary, "empty"), { recursive: true });
    expect(await failure(name())).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

test("the demo's texts are the addresses, each one text", async () => {
  const texts = await collect("demo");
  expect(texts.length).toBeGreaterThan(200);
  expect(texts.filter((text) => text.length < 500)).toEqual([]);
});
