// Preloaded into a measured process: its peak of resident memory, in MiB, to file descriptor 3 when it ends.
import { writeSync } from "node:fs";
import { peakMiB } from "./peak.js";

process.on("exit", () => writeSync(3, String(peakMiB())));
