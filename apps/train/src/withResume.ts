import { shownPath } from "@dictlearn/command";
import { HubError } from "@dictlearn/hub";
import { DictlearnError, type RunDirectory } from "dictlearn";

/** What the disk, the network or a GPU that is gone refused a run is told with how it goes on. */
export async function withResume(error: unknown, directory: RunDirectory): Promise<unknown> {
  if (!isRefusal(error)) return error;
  const step = await directory.savedStep();
  if (step === undefined) return error;
  const remedy = [error.remedy, `--resume ${shownPath(directory.path)} goes on at step ${step}`].filter(Boolean).join("; ");
  return error instanceof HubError ? new HubError(error.code, error.message, remedy, { cause: error }) : new DictlearnError("IO", error.message, remedy, { cause: error });
}

const isRefusal = (error: unknown): error is Error & { remedy?: string } => error instanceof Error && ["IO", "NETWORK"].includes((error as { code?: string }).code ?? "");
