import { execFileSync } from "node:child_process";
import { cpus, loadavg, platform, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

/** Where and with what this runs. */
export function about() {
  return {
    date: new Date().toISOString(),
    commit: commit(),
    machine: `${cpus()[0]?.model.trim()}, ${cpus().length} logical cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release()}`,
    load: Number(loadavg()[0].toFixed(2)), // of the last minute, before this began
  };
}

/** What is measured: the commit, with a + where files that it has were changed since. */
function commit() {
  const git = (...args) => execFileSync("git", args, { cwd: fileURLToPath(new URL("..", import.meta.url)), encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    return git("rev-parse", "--short=12", "HEAD") + (git("status", "--porcelain", "--untracked-files=no", "..", ":!results", ":!../docs") ? "+" : "");
  } catch {
    return "unknown"; // no repository
  }
}
