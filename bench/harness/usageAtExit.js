// Preloaded into a measured process: what it used, as JSON, to file descriptor 3 when it ends.
import { writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { peakMiB } from "./peak.js";

// Its threads are preloaded too, and end before it.
if (isMainThread) process.on("exit", () => {
  const { user, system } = process.cpuUsage(); // of all threads, from the start
  writeSync(3, JSON.stringify({ peakMiB: peakMiB(), cpuSeconds: (user + system) / 1e6 }));
});
