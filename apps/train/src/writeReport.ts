import { shownPath } from "@dictlearn/command";
import { type RunReport, type TrainerReport } from "@dictlearn/report/html";
import { type RunDirectory, type Training } from "dictlearn";
import { type Settings } from "./settings.js";
import { spelled } from "./trainers.js";

/**
 * Writes `report.html`: what lies in the run's folder, to look at.
 * @param options.parameters of the run, as they were settled
 * @returns its path
 */
export async function writeReport(directory: RunDirectory, { trainees, step, steps, batchSize }: Training, { state, parameters }: { state: RunReport["state"]; parameters: Settings & Readonly<Record<string, unknown>> }): Promise<string> {
  const { runPage } = await import("@dictlearn/report/html"); // a quarter of a second, which a run that never saves is spared
  const trainers: TrainerReport[] = [];
  for (const trainee of trainees) {
    const { site, index, trainer } = trainee;
    trainers.push({ name: spelled(parameters.trainers[index]), site, index, parameters: trainer.config, metrics: await directory.readMetrics(trainee), evaluation: await directory.readEvaluation(trainee) });
  }
  const written = `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return directory.writeReport(runPage({ name: shownPath(directory.path), written, state, step, steps, tokens: step * batchSize, parameters: { ...parameters, trainers: parameters.trainers.map(spelled).join(" ") }, trainers }));
}
