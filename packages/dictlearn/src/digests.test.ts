import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { demo } from "@dictlearn/demo";
import { afterAll, expect, test } from "vitest";
import { modelDigest, textsDigest } from "./index.js";

const folder = mkdtempSync(join(tmpdir(), "digests-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a model is the same wherever it lies, and another with one byte of its weights", async () => {
  const copy = join(folder, "copy");
  cpSync(fileURLToPath(demo.model), copy, { recursive: true });
  writeFileSync(join(copy, "README.md"), "A copy.");
  expect(await modelDigest(copy)).toBe(await modelDigest("demo"));
  const weights = join(copy, readdirSync(copy).find((name) => /\.(safetensors|bin)$/.test(name))!);
  const bytes = readFileSync(weights);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(weights, bytes);
  expect(await modelDigest(copy)).not.toBe(await modelDigest("demo"));
});

test("texts are told by names and sizes", async () => {
  const path = join(folder, "a.jsonl");
  const digests: string[] = [];
  for (const text of ["one", "two", "three"]) {
    writeFileSync(path, JSON.stringify({ text }));
    digests.push(await textsDigest(path));
  }
  expect(digests[1]).toBe(digests[0]);
  expect(digests[2]).not.toBe(digests[0]);
});
