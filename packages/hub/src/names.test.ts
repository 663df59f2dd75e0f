import { expect, test } from "vitest";
import { HubError } from "./hubError.js";
import { checkPath, checkRef, fetchCommand, parseHubName } from "./names.js";

test.each([
  ["hf:EleutherAI/pythia-70m", { type: "model", repo: "EleutherAI/pythia-70m" }],
  ["hf://EleutherAI/pythia-70m", { type: "model", repo: "EleutherAI/pythia-70m" }],
  ["hf:o/n@step3000/config.json", { type: "model", repo: "o/n", revision: "step3000", path: "config.json" }],
  ["hf:o/n@refs/pr/1/a/b.txt", { type: "model", repo: "o/n", revision: "refs/pr/1", path: "a/b.txt" }],
  ["hf:o/n@refs%2Fheads%2Fmy/a.txt", { type: "model", repo: "o/n", revision: "refs/heads/my", path: "a.txt" }],
  ["hf:datasets/o/n@main/data/x.jsonl.zst", { type: "dataset", repo: "o/n", revision: "main", path: "data/x.jsonl.zst" }],
  ["hf:o/n/a.zip!/dictionaries/ae.pt", { type: "model", repo: "o/n", path: "a.zip", entry: "dictionaries/ae.pt" }],
  ["hf:o/n/a.zip", { type: "model", repo: "o/n", path: "a.zip" }],
  ["hf:o/n/@odd@name", { type: "model", repo: "o/n", path: "@odd@name" }],
])("%s is read in parts", (text, parts) => {
  expect(parseHubName(text)).toEqual(parts);
});

test.each([
  "", "hf:", "o/n", "hf:o", "hf:/n", "hf:o/", "hf:o/n@", "hf:o/n@/x", "hf:o/n@a..b/x", "hf:o/n@%zz/x", "hf:o/n@a%00b/x", "hf:../n/x", "hf:o/..", "hf:o/n/../x",
  "hf:o/n//x", "hf:o/n/a\\b", "hf:o/n/C:/x", "hf:o/n/a\0b", "hf:o/n/x./y", "hf:o--p/n", "hf:o/n.git", "hf:spaces/o/n/x", "hf:o/n/a.zip!/", "hf:o/n/a.zip!/../x",
  "hf:o/n/a.zip!/b.zip!/c", "hf:ö/n", `hf:o/${"n".repeat(97)}`,
])("%j is refused", (text) => {
  expect(() => parseHubName(text)).toThrow(expect.objectContaining({ name: "HubError", code: "USAGE" }) as HubError);
});

test("a hostile name is quoted and cut in the message", () => {
  expect(() => parseHubName(`hf:o/n/\n\x1b[2J${"x".repeat(5000)}/..`)).toThrow(/^path: expected .{0,300}$/);
});

test.each(["..", ".", "a/..", "../a", "/a", "a/", "a//b", "", "a\\b", "..\\a", "C:", "c:a", "a/D:/b", "a\0", "a\n", "a.", "a./b", "a /b", "a".repeat(256), "a/".repeat(3000) + "b", "a\ud800", "\udc00/b"])("path %j is refused", (path) => {
  expect(() => checkPath(path, "path")).toThrow(HubError);
});

test.each(["a", ".gitattributes", "a/b.c/d", "a b", "übung", "a..b", "...x", "ab:c", "--help"])("path %j is taken", (path) => {
  expect(() => checkPath(path, "path")).not.toThrow();
});

test.each(["..", "a/../b", "/a", "a/", "a b", "a~1", "a^", "a:b", "@{u}", "x.lock", "a\\b", "a\0", ""])("revision %j is refused", (revision) => {
  expect(() => checkRef({ repo: "o/n", revision })).toThrow(HubError);
});

test("the command that fetches names all that it needs", () => {
  expect(fetchCommand({ repo: "o/n" }, "a.txt")).toBe("hf download o/n a.txt");
  expect(fetchCommand({ repo: "o/n", type: "dataset", revision: "v1" }, "it's a.txt")).toBe("hf download o/n 'it'\\''s a.txt' --repo-type dataset --revision v1");
});
