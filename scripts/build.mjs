// Builds what changed since the last build. Silent when that succeeds, so that `pnpm start` prints its table and
// nothing else; on a failure all of turbo's output goes to stderr.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const turbo = createRequire(import.meta.url).resolve("turbo/bin/turbo");
// The filters also keep the root's own build script, which is this, out of the run.
const args = ["run", "build", "--filter=./packages/*", "--filter=./apps/*", "--output-logs=errors-only", "--ui=stream", "--no-update-notifier"];
const { status, stdout, stderr, error } = spawnSync(process.execPath, [turbo, ...args], {
  encoding: "utf8",
  maxBuffer: 1 << 28,
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1" },
});

if (error) throw error;
if (status !== 0) {
  process.stderr.write(stdout + stderr);
  process.exitCode = status ?? 1;
}

// What was built of a source that is gone would be published, and imported by whoever did not notice. A map names the source.
const root = fileURLToPath(new URL("..", import.meta.url));
for (const dist of ["packages", "apps"].flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(root, parent, name, "dist"))))
  for (const map of existsSync(dist) ? readdirSync(dist, { recursive: true }).filter((file) => file.endsWith(".js.map")) : [])
    if (!existsSync(join(dist, "../src", map.replace(/\.js\.map$/, ".ts")))) for (const end of [".js.map", ".js", ".d.ts"]) rmSync(join(dist, map.replace(/\.js\.map$/, end)), { force: true });
