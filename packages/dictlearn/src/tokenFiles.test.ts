import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { oracle } from "@dictlearn/testing";
import { expect, test } from "vitest";

test("features of tokens are written as pandas and pyarrow have read them, to the byte", async () => {
  const opened: { sha256: Record<string, string> } = JSON.parse(readFileSync(oracle("tokens/opened.json"), "utf8"));
  const { tokenFiles } = (await import(oracle("tokens/write_tokens.mjs").href)) as { tokenFiles(): Promise<Record<string, Buffer>> };
  const hashes = Object.entries(await tokenFiles()).map(([name, bytes]) => [name, createHash("sha256").update(bytes).digest("hex")]);
  expect(Object.fromEntries(hashes)).toEqual(opened.sha256);
});
