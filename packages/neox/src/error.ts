/** A mistake that the caller can act on: `subject: expected X, got Y`, then the remedy. */
export class NeoxError extends Error {
  override readonly name = "NeoxError";
  constructor(
    readonly code: "FORMAT" | "UNSUPPORTED" | "SHAPE" | "USAGE",
    message: string,
    readonly remedy?: string,
  ) {
    super(message.length > longest ? `${message.slice(0, longest)}…` : message); // a file may hold names of megabytes
  }
}

const longest = 4000;
