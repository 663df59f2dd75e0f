import { join } from "node:path";
import { metricsCsv } from "@dictlearn/report";
import { type MetricsLog } from "./metricsLog.js";
import { type RunDirectory } from "./runDirectory.js";
import { type Trainee } from "./train.js";
import { appendWhole, makeLastingFolder, writeWhole } from "./wholeFile.js";

/** `metrics.csv`: the lines of `metrics.jsonl` as a table. */
export function csvLog(directory: RunDirectory): MetricsLog {
  const headers = new Map<string, readonly string[]>();
  const rewrite = async (trainee: Trainee, folder: string) => {
    const lines = await directory.readMetrics(trainee);
    const header = [...new Set(lines.flatMap(Object.keys))];
    headers.set(folder, header);
    if (lines.length === 0) return;
    await makeLastingFolder(folder);
    await writeWhole(join(folder, "metrics.csv"), [metricsCsv(header, lines, { withHeader: true })]);
  };
  return {
    begin: (trainee) => rewrite(trainee, directory.folderOf(trainee)),
    async append(trainee, line) {
      const folder = directory.folderOf(trainee);
      const header = headers.get(folder)!;
      if (Object.keys(line).some((name) => !header.includes(name))) await rewrite(trainee, folder); // the line is in metrics.jsonl already
      else await appendWhole(join(folder, "metrics.csv"), metricsCsv(header, [line], { withHeader: false }));
    },
    async evaluation() {}, // eval_results.json has it
  };
}
