import { HubError } from "@dictlearn/hub";
import { DictlearnError, type RunDirectory } from "dictlearn";
import { shown } from "./session.js";

/** What the disk or the network refused a run is told with how it goes on. */
export async function withResume(error: unknown, directory: RunDirectory): Promise<unknown> {
  if (!(error instanceof DictlearnError || error instanceof HubError) || !["IO", "NETWORK"].includes(error.code)) return error;
  const step = await directory.savedStep();
  if (step === undefined) return error;
  const remedy = [error.remedy, `--resume ${shown(directory.path)} goes on at step ${step}`].filter(Boolean).join("; ");
  return error instanceof HubError ? new HubError(error.code, error.message, remedy, { cause: error }) : new DictlearnError(error.code, error.message, remedy, { cause: error });
}
