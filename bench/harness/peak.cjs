const { readFileSync } = require("node:fs");

/** The most memory this process had resident, in MiB. */
exports.peakMiB = () => {
  try {
    return Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))[1]) / 1024;
  } catch {
    return process.resourceUsage().maxRSS / 1024; // no /proc. (On Linux it would count what the parent had as well.)
  }
};
