import { count, progress, shownPath } from "@dictlearn/command";
import { DictlearnError, type MetricsLog, type RowKind, type RunDirectory, type Trainee, type Training, type TrainingState, type TrainStep } from "dictlearn";

export interface SessionOptions {
  directory: RunDirectory;
  /** Where metrics go besides `metrics.jsonl`. */
  metricsLogs: readonly MetricsLog[];
  /** What is recorded with every state. */
  about: Readonly<Record<string, unknown>>;
  /** The step of the state that the run goes on from; undefined: it begins. */
  savedStep?: number;
  /** config.json's word on the buffer. */
  bufferConfig: Readonly<Record<string, unknown>>;
  logEvery: number;
  saveEvery: number;
  rows: RowKind;
  /** Called when something was saved, and `stopped` after Ctrl-C. */
  report: (state: "running" | "stopped") => Promise<unknown>;
  signal: AbortSignal;
  note: (line: string) => void;
  quiet: boolean;
}

/**
 * Trains to the end and saves on the way: metrics, checkpoints, states, and `ae.pt` when all is done. At Ctrl-C the state
 * is saved and the signal's reason thrown.
 * @returns the last state, and what the last step that was read said
 */
export async function runSession(training: Training, options: SessionOptions): Promise<{ state: TrainingState; logs?: TrainStep["logs"] }> {
  const { directory, metricsLogs, about, bufferConfig, logEvery, saveEvery, rows, report, signal, note, quiet } = options;
  const { steps, trainees } = training;
  const started = { step: training.step, at: performance.now() };
  let logged = started;
  let last: TrainStep | undefined; // that was read
  let state: TrainingState | undefined; // the last that was saved
  let { savedStep } = options;
  let checkpoint: string | undefined;

  const saveState = async () => {
    if (savedStep === training.step) return; // Ctrl-C just behind a save, or before a step
    for (const trainee of trainees) await directory.syncMetrics(trainee);
    state = await training.state();
    await directory.writeState(state, about);
    savedStep = state.step;
  };
  const save = async (step: number) => {
    const files: string[] = [];
    for (const trainee of trainees) files.push(await directory.writeDictionary(trainee, { step, normFactor: training.normFactor(trainee.site), buffer: bufferConfig }));
    await saveState();
    checkpoint = files.at(-1);
    await report("running");
  };

  const tokensIn = training.batchSize;
  const log = async ({ step, tokens, logs }: TrainStep) => {
    const at = performance.now();
    const tokensPerSecond = Math.round(((step - logged.step) * tokensIn) / Math.max((at - logged.at) / 1000, 1e-3));
    for (const [i, trainee] of trainees.entries()) {
      const line = { step, tokens, ...logs![i], tokens_per_second: tokensPerSecond };
      await directory.appendMetrics(trainee, line);
      for (const log of metricsLogs) await log.append(trainee, line);
    }
    logged = { step, at };
  };
  using bar = progress({ label: "train", unit: "tokens", total: steps * tokensIn, from: started.step * tokensIn, quiet });
  if (started.step === 0) await saveState(); // whoever is killed before the first checkpoint can go on too
  try {
    for (;;) {
      if (signal.aborted) {
        await saveState();
        await report("stopped");
        bar.stop();
        note(`train: stopped after step ${training.step} of ${steps}; --resume ${shownPath(directory.path)} goes on there`);
        throw signal.reason;
      }
      const step = await training.next();
      if (!step) break;
      if (step.logs) last = step;
      bar.update(step.tokens, step.logs && summary(step.logs[0]));
      if (step.logs && (step.step % logEvery === 0 || step.step === steps)) await log(step);
      if (step.step % saveEvery === 0 || step.step === steps) await save(step.step);
    }
  } catch (error) {
    const { code, message, remedy } = error as Partial<DictlearnError>; // kernels' too, of a number that is not finite
    if (!(error instanceof Error && code === "FORMAT")) throw error;
    const good = checkpoint ? `the last good checkpoint is ${shownPath(checkpoint)}` : started.step > 0 ? `the run's state of step ${started.step} is as it was` : "nothing was saved before";
    throw new DictlearnError(code, message!, [good, remedy].filter(Boolean).join("; "), { cause: error });
  }
  bar.stop();

  const { step } = training;
  if (step === 0) {
    await directory.removeState(); // nothing to go on from
    throw new DictlearnError("USAGE", `texts: expected ${tokensIn} tokens for a training step, got fewer before their end`, "give more text, or a smaller --sae-batch-size");
  }
  if (training.endedEarly) {
    note(`texts: ended after ${count(step * tokensIn)} of ${count(steps * tokensIn)} tokens, so training stops at step ${step} of ${steps} and what it has learned is saved${rows === "document" ? " (--rows packed takes more from a text than its first row)" : ""}`);
    if (last && last.step > logged.step) await log(last);
    if (state?.step !== step) await save(step);
  }
  for (const trainee of trainees) await directory.writeDictionary(trainee, { normFactor: training.normFactor(trainee.site), buffer: bufferConfig });
  return { state: state ?? (await training.state()), logs: last?.logs };
}

/** `loss 0.123, L0 34.5, FVE 0.812` */
export function summary({ loss, l0, frac_variance_explained: fve }: Readonly<Record<string, number>>): string {
  return [`loss ${loss.toPrecision(4)}`, l0 !== undefined && `L0 ${l0.toFixed(1)}`, fve !== undefined && `FVE ${fve.toFixed(3)}`].filter(Boolean).join(", ");
}

export const nameOf = ({ spec, index }: Trainee): string => `trainer_${index} (${spec.name})`;
