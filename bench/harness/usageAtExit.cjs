// Preloaded into a measured process: what it used, as JSON, to file descriptor 3 when it ends. CommonJS: an ES module would make
// the process load its program in another way.
const { writeSync } = require("node:fs");
const { isMainThread } = require("node:worker_threads");
const { peakMiB } = require("./peak.cjs");

// Its threads are preloaded too, and end before it.
if (isMainThread) process.on("exit", () => {
  const { user, system } = process.cpuUsage(); // of all threads, from the start
  writeSync(3, JSON.stringify({ peakMiB: peakMiB(), cpuSeconds: (user + system) / 1e6 }));
});
