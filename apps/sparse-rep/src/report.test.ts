import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Analysis } from "@dictlearn/report";
import { CommandProcess, oracle } from "@dictlearn/testing";
import { afterAll, describe, expect, test } from "vitest";

const kept = new CommandProcess(new URL("../dist/command.js", import.meta.url), new URL(import.meta.resolve("@dictlearn/command")));
afterAll(() => kept.close());
const temporary = mkdtempSync(join(tmpdir(), "sparse-rep-report-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));
const folder = () => mkdtempSync(join(temporary, "here-"));

const at = (path: string) => fileURLToPath(oracle(path));
const small = ["--model", at("sparse-rep/model"), "--dictionary", at("sparse-rep/ae.pt"), "--device", "cpu", "--threads", "1"];
const environment = { ...(Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(INIT_CWD|HF_|.*_proxy$)/i.test(name))) as Record<string, string>), HF_ENDPOINT: "http://127.0.0.1:9", HF_HOME: join(temporary, "hf") };
const run = (args: readonly string[], cwd: string) => kept.run({ args: [...args, ...small], cwd, env: environment });

/** The rows of the page's table, every number with all its digits; a sentence without tokens has none. */
const rowsOf = (page: string) => /<table class="sortable">.*?<tbody>(.*?)<\/tbody>/s.exec(page)![1].split("<tr>").slice(1).map((row) => [...row.matchAll(/<data value="([^"]*)">|<td>(–)</g)].map(([, value]) => (value === undefined ? null : Number(value))));
const texts = (page: string, pattern: RegExp) => [...page.matchAll(pattern)].map(([, text]) => text.replace(/<[^>]*>/g, "").replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code))));

test.each(["mean", "last"])("the page's numbers are those of --format json, of its own run and of one without a page (%s)", async (pooling) => {
  const here = folder();
  const args = [at("sparse-rep/sentences.csv"), "--pooling", pooling, "--top", "4", "--format", "json"];
  const { code, stdout, stderr } = await run([...args, "--report", "page.html"], here);
  expect([code, stderr]).toEqual([0, expect.not.stringContaining("expected")]);
  expect((await run(args, here)).stdout).toBe(stdout);
  const { sentences }: Analysis = JSON.parse(stdout);
  const page = readFileSync(join(here, "page.html"), "utf8");
  expect(rowsOf(page)).toEqual(sentences.map(({ tokens, original, sparse, top }, i) => [i + 1, tokens, ...Object.values(original), ...Object.values(sparse), ...top.map(({ weight }) => weight)]));
  expect(texts(page, /<p class="tokens"[^>]*>(.*?)<\/p>/gs)).toEqual(sentences.map(({ sentence }) => sentence.replaceAll("\n", "↵\n")));
  expect(readdirSync(here)).toEqual(["page.html"]);
});

test("hostile sentences are text in the page", async () => {
  const here = folder();
  const sentences = ["<script>alert(1)</script>", `</script><img src=x onerror=alert(1)> "'&`, "שלום", "👩‍👩‍👧", "word ".repeat(2000).trim()];
  writeFileSync(join(here, "hostile.csv"), ["sentence", ...sentences.map((sentence) => `"${sentence.replaceAll('"', '""')}"`)].join("\n"));
  expect((await run(["hostile.csv", "--report", "page.html"], here)).code).toBe(0);
  const page = readFileSync(join(here, "page.html"), "utf8");
  expect(page.match(/<script/g)).toHaveLength(2); // its own, and its data
  expect(page).not.toContain("<img");
  const seen = texts(page, /<p class="tokens"[^>]*>(.*?)<\/p>/gs);
  expect(seen.slice(0, 4)).toEqual(sentences.slice(0, 4));
  expect(sentences[4].startsWith(seen[4])).toBe(true); // the model's context ends before
});

describe("a path that cannot be", () => {
  test("is told before anything is opened: a file that is there, a folder, a folder that is not there", async () => {
    const here = folder();
    writeFileSync(join(here, "page.html"), "mine");
    for (const [path, said] of [["page.html", "--report: expected a new file, got page.html, which is there — --force replaces it\n"], [".", "--report: expected a file to write, got ., which is a folder — name the page: ./report.html\n"], ["none/page.html", "--report: expected an existing folder, got none at none — create it first\n"]]) {
      const { code, stdout, stderr } = await run(["nowhere.csv", "--report", path], here); // nobody looks for the sentences
      expect([code, stdout, stderr]).toEqual([1, "", said]);
    }
    expect(readFileSync(join(here, "page.html"), "utf8")).toBe("mine");
  });

  test("is replaced with --force; not by a run that fails", async () => {
    const here = folder();
    writeFileSync(join(here, "page.html"), "mine");
    expect((await run(["nowhere.csv", "--report", "page.html", "--force"], here)).code).toBe(1);
    expect(readFileSync(join(here, "page.html"), "utf8")).toBe("mine");
    expect((await run([at("sparse-rep/sentences.csv"), "--report", "page.html", "--force"], here)).code).toBe(0);
    expect(readFileSync(join(here, "page.html"), "utf8")).toMatch(/^<!doctype html>/);
    expect(existsSync(join(here, ".page.html"))).toBe(false);
  });
});
