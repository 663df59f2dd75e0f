// Adds up vitest's JSON reports. A report that is missing, or that holds no test, is a failure of its own.
import { readFileSync } from "node:fs";

const count = { passed: 0, failed: 0, skipped: 0 };
for (const path of process.argv.slice(2)) {
  try {
    const report = JSON.parse(readFileSync(path, "utf8"));
    if (!report.success || report.numTotalTests === 0) process.exitCode = 1;
    count.passed += report.numPassedTests;
    count.failed += report.numFailedTests;
    count.skipped += report.numPendingTests + report.numTodoTests;
  } catch {
    console.log("a run left no report");
    process.exitCode = 1;
  }
}
console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
