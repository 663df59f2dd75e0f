import { readdir, readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { densityEvent, eventsStart, eventsThat, parametersEvent, scalarEvent, textEvent } from "@dictlearn/report/tensorboard";
import { type MetricsLog } from "./metricsLog.js";
import { type RunDirectory } from "./runDirectory.js";
import { type Trainee } from "./train.js";
import { appendWhole, makeLastingFolder, writeWhole } from "./wholeFile.js";

const ofEvaluation = "eval/";

/**
 * Files of events for TensorBoard, beside `metrics.jsonl`: its numbers as scalars under their own names, the trainer's
 * parameters, and at the end the evaluation. A run that goes on takes what was past its state out of the files that are
 * there, and writes another one, whose first word makes a TensorBoard that is open forget the same.
 * @param options.now seconds since 1970
 */
export function tensorboardLog(directory: RunDirectory, { now = () => Date.now() / 1000, host = hostname(), pid = process.pid } = {}): MetricsLog {
  const paths = new Map<string, string>();
  /** What a file begins with, until there is something to say: a run without a step leaves none. */
  const beginnings = new Map<string, Uint8Array[]>();
  const write = async (trainee: Trainee, events: Uint8Array) => {
    const folder = directory.folderOf(trainee);
    const path = paths.get(folder)!;
    await makeLastingFolder(folder);
    await appendWhole(path, Buffer.concat([...(beginnings.get(folder) ?? []), events]));
    beginnings.delete(folder);
  };
  return {
    async begin(trainee, step) {
      const folder = directory.folderOf(trainee);
      const before = await cutEvents(folder, step);
      const wallTime = now();
      const seconds = Math.max(Math.floor(wallTime), ...before.map((name) => secondsOf(name) + 1)); // files are read in the order of their names
      const at = { wallTime, step };
      const { config } = trainee.trainer;
      const beginning = [eventsStart({ wallTime, step: step === 0 ? 0 : step + 1 })];
      if (before.length === 0) beginning.push(parametersEvent(at, config), textEvent(at, "config", `\`\`\`json\n${JSON.stringify(config, null, 2)}\n\`\`\``));
      paths.set(folder, join(folder, `events.out.tfevents.${seconds}.${host}.${pid}.0`));
      beginnings.set(folder, beginning);
    },
    append: (trainee, { step, ...numbers }) => write(trainee, scalarEvent({ wallTime: now(), step }, numbers)),
    async evaluation(trainee, step, { feature_density: density, ...measures }) {
      const at = { wallTime: now(), step };
      const scalars = Object.fromEntries(Object.entries(measures).map(([name, value]) => [`${ofEvaluation}${name}`, value]));
      await write(trainee, Buffer.concat([scalarEvent(at, scalars), densityEvent(at, `${ofEvaluation}feature_density_log10`, density)]));
    },
  };
}

/** Takes events past a step, the evaluation and what is cut off out of a folder's files. @returns their names */
async function cutEvents(folder: string, step: number): Promise<string[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => Number.isFinite(secondsOf(name))).sort();
  for (const name of names) {
    const path = join(folder, name);
    const file = await readFile(path);
    const kept = eventsThat(file, (event) => event.step <= step && !event.tag?.startsWith(ofEvaluation));
    if (kept.length < file.length) await writeWhole(path, [kept]);
  }
  return names;
}

const secondsOf = (name: string): number => Number(/^events\.out\.tfevents\.(\d+)\./.exec(name)?.[1] ?? NaN);
