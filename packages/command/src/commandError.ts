/** A mistake that a person can mend: `runMain` prints `message — remedy` and exits 1, with no stack. */
export class CommandError extends Error {
  override readonly name = "CommandError";
  constructor(
    readonly code: "USAGE" | "NOT_FOUND" | "IO",
    message: string,
    readonly remedy?: string,
  ) {
    super(message.length > longest ? `${message.slice(0, longest)}…` : message); // a file may hold names of megabytes
  }
}

const longest = 4000;
