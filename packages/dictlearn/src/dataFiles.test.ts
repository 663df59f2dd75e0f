import { readFileSync } from "node:fs";
import { kindOf } from "@dictlearn/corpus";
import { oracle } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { dataFiles } from "./dataFiles.js";

interface Case {
  name: string;
  files: string[];
  readme: string | null;
  expected: { default?: string; configs: Record<string, { splits: Record<string, string[]> }> };
}
const { cases }: { cases: Case[] } = JSON.parse(readFileSync(oracle("datasets/cases.json"), "utf8"));
const chosen = ({ files, readme }: Case, options: { config?: string; split?: string } = {}) => dataFiles({ name: "data", files, card: readme ?? undefined, ...options });

/** The splits that an unknown one is told of. */
function splitsOf(one: Case, config?: string): string[] {
  try {
    chosen(one, { config, split: "nonsense" });
  } catch (error) {
    return (error as Error).message.match(/one of (.*), got/)![1].split(", ");
  }
  throw new Error("expected an error");
}

describe("files are those that datasets takes", () => {
  test("there are cases", () => expect(cases.length).toBeGreaterThan(30));

  test.each(cases)("$name", (one) => {
    for (const [config, { splits }] of Object.entries(one.expected.configs)) {
      const asked = config === "default" ? undefined : config;
      for (const [split, files] of Object.entries(splits)) expect(chosen(one, { config: asked, split })).toEqual([...new Set(files)]);
      // Beside folders named after a split we also find a split in a file's name.
      const more = one.name === "the Pile's layout" ? ["validation", "test"] : [];
      expect(splitsOf(one, asked)).toEqual([...Object.keys(splits), ...more]);
    }
    if (one.expected.default === undefined)
      expect(() => chosen(one)).toThrow(expect.objectContaining({ code: "USAGE", message: `data: expected a config, one of ${Object.keys(one.expected.configs).join(", ")}, got none` }));
    else expect(splitsOf(one)).toEqual(splitsOf(one, one.expected.default));
  });
});

test("the Pile's other splits lie beside the folder of the first", () => {
  const pile = cases.find(({ name }) => name === "the Pile's layout")!;
  expect([chosen(pile, { split: "validation" }), chosen(pile, { split: "test" })]).toEqual([["val.jsonl.zst"], ["test.jsonl.zst"]]);
});

describe("what cannot be chosen is an error of one line, with what can", () => {
  const card = (yaml: string) => `---\n${yaml}\n---\n`;
  const cases: [string, Parameters<typeof dataFiles>[0], string, RegExp][] = [
    ["an unknown split", { name: "a/b", files: ["train.csv", "test.csv"], split: "val" }, "USAGE", /^a\/b: expected a split, one of train, test, got "val"$/],
    ["an unknown config", { name: "a/b", files: ["a.csv"], card: card("configs:\n- config_name: en\n  data_files: a.csv"), config: "fr" }, "USAGE", /^a\/b: expected a config, one of en, got "fr"$/],
    ["a config where there are none", { name: "a/b", files: ["a.csv"], config: "fr" }, "USAGE", /expected no config/],
    ["nothing", { name: "a/b", files: ["README.md", ".gitattributes"] }, "NOT_FOUND", /^a\/b: expected files of texts, got none$/],
    ["a loading script", { name: "a/b", files: ["b.py", "README.md"] }, "UNSUPPORTED", /^a\/b: expected files of texts \(.*\), got b\.py$/],
    ["archives and arrow", { name: "a/b", files: ["data/train-00000-of-00001.arrow", "x.zip"] }, "UNSUPPORTED", /got data\/train-00000-of-00001\.arrow$/],
    ["a pattern that matches nothing", { name: "a/b", files: ["a.csv"], card: card("configs:\n- config_name: en\n  data_files: b*") }, "UNSUPPORTED", /got a\.csv$/],
    ["an empty pattern", { name: "a/b", files: ["a.csv"], card: card("configs:\n- config_name: en\n  data_files: ''") }, "UNSUPPORTED", /got a\.csv$/],
    ["a pattern that is the folder", { name: "a/b", files: ["a.csv"], card: card("configs:\n- config_name: en\n  data_files: ./") }, "UNSUPPORTED", /got a\.csv$/],
    ["a card that is no YAML", { name: "a/b", files: ["a.csv"], card: card("configs: [") }, "FORMAT", /^a\/b: README\.md: expected YAML, got /],
    ["configs that are no list", { name: "a/b", files: ["a.csv"], card: card("configs: 3") }, "FORMAT", /README\.md: expected a list of configs, got 3$/],
    ["a config without a name", { name: "a/b", files: ["a.csv"], card: card("configs:\n- data_files: a") }, "FORMAT", /expected a config_name/],
    ["an address", { name: "a/b", files: ["a.csv"], card: card("configs:\n- config_name: c\n  data_files: https://example.org/a.csv") }, "FORMAT", /expected paths in the repository in data_files of c, got "https:\/\/example\.org\/a\.csv"$/],
    ["a pattern that would take hours", { name: "a/b", files: ["a".repeat(255)], card: card(`configs:\n- config_name: c\n  data_files: "${"*a".repeat(40)}b"`) }, "FORMAT", /expected patterns with 4 \* at most in data_files of c, got "\*a\*a/],
    ["a split twice", { name: "a/b", files: ["a.csv"], card: card("configs:\n- config_name: c\n  data_files:\n  - {split: a, path: x}\n  - {split: a, path: y}") }, "FORMAT", /expected each split once in data_files of c, got a twice$/],
  ];
  test.each(cases)("%s", (_, options, code, message) => {
    expect(() => dataFiles(options)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });
  test("other kinds of files: the copy as Parquet is named", () => {
    expect(() => dataFiles({ name: "a/b", files: ["b.py"] })).toThrow(expect.objectContaining({ remedy: expect.stringContaining('"refs/convert/parquet"') }));
  });
});

test("a card with line ends of Windows, a byte order mark, or nothing in it", () => {
  const yaml = "configs:\n- config_name: only\n  data_files: b.csv";
  for (const card of [`---\n${yaml}\n---`, `\uFEFF---\n${yaml}\n---\nText`, `---\n${yaml}\n---\n`.replaceAll("\n", "\r\n")])
    expect(dataFiles({ name: "d", files: ["a.csv", "b.csv"], card })).toEqual(["b.csv"]);
  for (const card of ["", "# Title", "---\n---\n", "---\nlicense: mit\n---\n", "---\nnot closed"]) expect(dataFiles({ name: "d", files: ["a.csv", "b.csv"], card })).toEqual(["a.csv", "b.csv"]);
});

test("parentheses, bars and plusses of a pattern are letters, as in `datasets`: no regular expression that takes for ever", () => {
  const long = `${"a".repeat(5000)}.csv`;
  const card = (pattern: string) => `---\nconfigs:\n- config_name: c\n  data_files: ${JSON.stringify(pattern)}\n---\n`;
  expect(dataFiles({ name: "d", files: ["a+(1|2).csv", "a.csv", "aa.csv", long], card: card("a+(1|2).csv") })).toEqual(["a+(1|2).csv"]);
  expect(() => dataFiles({ name: "d", files: [long, "b.csv"], card: card("(a|a)+[b].csv") })).toThrow(expect.objectContaining({ name: "DictlearnError" }) as Error);
});

test("a card that holds itself, or is nested without an end, is an error with a code", () => {
  for (const yaml of ["configs: &a\n- *a\n", "a: &a [x]\nb: &b {c: *a, d: *b}\nconfigs: *b\n", `configs: ${"[".repeat(20_000)}\n`])
    expect(() => dataFiles({ name: "d", files: ["a.csv"], card: `---\n${yaml}---\n` })).toThrow(expect.objectContaining({ name: "DictlearnError", code: "FORMAT" }) as Error);
});

test.each(["en", "./en", "en/"])("data_dir %s", (folder) => {
  expect(dataFiles({ name: "d", files: ["en/a.csv", "fr/b.csv"], card: `---\nconfigs:\n- config_name: c\n  data_dir: ${folder}\n---\n` })).toEqual(["en/a.csv"]);
});
test.each([".", "./", '""'])("data_dir %s is everything", (folder) => {
  expect(dataFiles({ name: "d", files: ["en/a.csv", "b.csv"], card: `---\nconfigs:\n- config_name: c\n  data_dir: ${folder}\n---\n` })).toEqual(["b.csv", "en/a.csv"]);
});

test.each([["a.JSONL", "jsonl"], ["a.json.gz", "jsonl"], ["a.json-lines.zst", "jsonl"], ["a/b.c.parquet", "parquet"], ["a.tsv", "csv"], ["a.txt.zst", "text"], ["a.arrow", undefined], ["txt", undefined], ["a.zst", undefined]])("%s is %s", (file, kind) => {
  expect(kindOf(file)).toBe(kind);
});
