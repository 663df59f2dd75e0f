import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { firstCommit, patternBytes, startHubServer, storedZip } from "@dictlearn/testing";
import { environment } from "../harness/app.js";
import { filesIn } from "../harness/readable.js";

const program = fileURLToPath(new URL("../harness/fetch.js", import.meta.url));
const bytes = { file: patternBytes(300_000, 1), ranges: patternBytes(200_000, 2), entry: patternBytes(80_000, 3) };
const repos = { "owner/all": { commits: { [firstCommit]: { "whole.bin": { bytes: bytes.file, lfs: true }, "parts.bin": { bytes: bytes.ranges, lfs: true }, "a.zip": { bytes: storedZip({ "other/ae.pt": patternBytes(70_000, 4), "one/ae.pt": bytes.entry }), lfs: true } } }, refs: { main: firstCommit } } };
const ref = { repo: "owner/all" };
const expected = Object.entries(bytes).map(([name, one]) => `${name} ${createHash("sha256").update(one).digest("hex")}`).join("\n");

/** Three processes fetch the same files through one cache, and most of them are killed on the way: those that are left have the right bytes. */
export const downloads = {
  name: "downloads",
  promise: 4,
  minutes: 0.4,
  few: 1,
  lanes: 2,
  async open({ folder }) {
    return {
      cases: 40,
      async one(n, random) {
        const server = await startHubServer(repos);
        server.schedule = () => ({ pause: random.below(20) });
        const home = join(folder, `case-${n}`);
        const options = { cache: join(home, "hub"), ownCache: join(home, "own"), endpoint: server.url, retryPause: 1 };
        const start = (killAfter) =>
          new Promise((resolve) => {
            const child = execFile(process.execPath, [program, JSON.stringify({ options, file: [ref, "whole.bin"], ranges: [ref, "parts.bin"], entry: [ref, "a.zip", "one/ae.pt"] })], { env: environment() }, (error, stdout, stderr) => {
              clearTimeout(timer);
              resolve({ killed: error?.signal === "SIGKILL", code: error ? error.code : 0, stdout: stdout.trim(), stderr });
            });
            const timer = killAfter === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), killAfter);
          });
        try {
          const first = await Promise.all([start(150 + random.below(400)), start(150 + random.below(400)), start(random.below(2) === 0 ? undefined : 150 + random.below(400))]);
          const second = await Promise.all([start(), start()]);
          for (const { killed, code, stdout, stderr } of [...first, ...second]) if (!killed) assert.deepEqual({ code, stdout }, { code: 0, stdout: expected }, stderr);
          // A killed process may leave its lock, as Python's always stay: whoever needs it next takes it over.
          assert.deepEqual((await filesIn(home)).filter((path) =>  path.endsWith("incomplete") || path.endsWith(".packed")), []);
          return { "downloads killed and survived": first.filter(({ killed }) => killed).length };
        } finally {
          await server.close();
          await rm(home, { recursive: true, force: true });
        }
      },
    };
  },
};
