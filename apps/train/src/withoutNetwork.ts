import { HubError } from "@dictlearn/hub";

/** What the Hub cannot give is told with what works instead. */
export function withoutNetwork(error: unknown): never {
  if (!(error instanceof HubError)) throw error;
  throw new HubError(error.code, error.message, [error.remedy, "--model-name demo --dataset-name demo needs no network"].filter(Boolean).join("; "), { cause: error });
}
