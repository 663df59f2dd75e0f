import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { filesIn } from "./readable.js";

/** The same files as another folder, and in them the same, but for times. */
export async function expectSame(cwd, other) {
  assert.deepEqual(await filesIn(cwd), await filesIn(other));
  for (const path of await filesIn(other)) {
    const [ours, theirs] = await Promise.all([cwd, other].map((folder) => readFile(join(folder, path))));
    if (path.endsWith(".html")) continue; // it shows times, and where it lies
    if (path.endsWith("metrics.jsonl") || path.endsWith("state.json")) assert.equal(untimed(ours), untimed(theirs), path);
    else assert.ok(ours.equals(theirs), `${path}: expected the bytes of the undisturbed run, got others`);
  }
}

const untimed = (bytes) => bytes.toString().replace(/"tokens_per_second":\d+/g, "").replace(/"activations": ".*"/, "");
