/** An error that a caller can act on: `subject: expected X, got Y`, then the remedy. */
export class CheckpointError extends Error {
  override readonly name = "CheckpointError";
  constructor(
    readonly code: "FORMAT" | "NOT_FOUND" | "UNSUPPORTED" | "IO",
    message: string,
    readonly remedy?: string,
  ) {
    super(message.length > longest ? `${message.slice(0, longest)}…` : message); // a file may hold names of megabytes
  }
}

const longest = 500;

/** A value of a file in a few characters, for messages. */
export function shown(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 60);
  } catch {
    return "a value nested too deeply to show"; // where the stack ends
  }
}

/** The file breaks its own format, or holds what must not be read. */
export function formatError(message: string, remedy?: string): CheckpointError {
  return new CheckpointError("FORMAT", message, remedy);
}
