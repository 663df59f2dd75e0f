import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { filesIn } from "./readable.js";

/** The same files as another folder, and in them the same, but for times. */
export async function expectSame(cwd, other) {
  // Events bear times and the process's number. Of two states the older is the last save before: a run that was told to stop saved where it was.
  const latest = (await readFile(join(other, "out/state/latest"), "utf8").catch(() => "")).trim();
  const isOlderState = (path) => path.startsWith("out/state/step-") && !path.startsWith(`out/state/${latest}/`);
  const named = async (folder) => (await filesIn(folder)).filter((path) => !path.includes("events.out.") && !isOlderState(path));
  assert.deepEqual(await named(cwd), await named(other));
  for (const path of await named(other)) {
    const [ours, theirs] = await Promise.all([cwd, other].map((folder) => readFile(join(folder, path))));
    if (path.endsWith(".html")) continue; // it shows times, and where it lies
    if (/metrics\.(jsonl|csv)$|state\.json$/.test(path)) assert.equal(untimed(ours), untimed(theirs), path);
    else assert.ok(ours.equals(theirs), `${path}: expected the bytes of the undisturbed run, got others`);
  }
}

const untimed = (bytes) => bytes.toString().replace(/"tokens_per_second":\d+/g, "").replace(/,\d+$/gm, "").replace(/"activations": ".*"/, ""); // in a table it is the last
