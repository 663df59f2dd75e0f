import { csvLog } from "./csvLog.js";
import { type Metrics } from "./evaluate.js";
import { type RunDirectory } from "./runDirectory.js";
import { tensorboardLog } from "./tensorboardLog.js";
import { type Trainee } from "./train.js";

/** A line of `metrics.jsonl`: `step`, and what else was logged there. */
export type MetricsLine = Readonly<Record<string, number>>;

/** Another place for what `metrics.jsonl` says, of all dictionaries of a run. */
export interface MetricsLog {
  /**
   * Before the first line; after `RunDirectory.cutMetrics`. What a run that was killed left behind `step` goes, so that a
   * run that goes on there tells the same as one that was not stopped.
   */
  begin(trainee: Trainee, step: number): Promise<void>;
  append(trainee: Trainee, line: MetricsLine): Promise<void>;
  /** How it does at the end, on text that it was not trained on. */
  evaluation(trainee: Trainee, step: number, metrics: Metrics): Promise<void>;
}

/** By the name that `--log-to` takes: another one is a file and a line here. */
const makers: Readonly<Record<string, (directory: RunDirectory) => MetricsLog>> = { csv: csvLog, tensorboard: tensorboardLog };

/** Names of places for metrics; `jsonl` is always written, as the report is made of it. */
export const metricsLogNames = ["jsonl", ...Object.keys(makers)];

/** @param names of `metricsLogNames` */
export function openMetricsLogs(names: readonly string[], directory: RunDirectory): MetricsLog[] {
  return [...new Set(names)].filter((name) => name !== "jsonl").map((name) => makers[name](directory));
}
