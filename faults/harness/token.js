import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { filesIn } from "./readable.js";

/** Nothing holds the token but what the Hub's own host received. */
export async function expectTokenKept(token, { server, texts, folders }) {
  for (const { origin, raw } of server.requests) if (origin !== "hub") assert.ok(!raw.includes(token), `another host received the token: ${raw}`);
  for (const text of texts) assert.ok(!text.includes(token), `the token is told: ${text}`);
  for (const folder of folders)
    for (const path of await filesIn(folder)) {
      assert.ok(!path.includes(token), path);
      assert.ok(!(await readFile(join(folder, path)).catch(() => Buffer.alloc(0))).includes(token), `the token is in ${path}`);
    }
}
