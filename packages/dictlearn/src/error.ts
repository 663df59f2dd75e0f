/** An error that a caller can act on: `subject: expected X, got Y`, then the remedy. */
export class DictlearnError extends Error {
  override readonly name = "DictlearnError";
  constructor(
    readonly code: "FORMAT" | "IO" | "NOT_FOUND" | "SHAPE" | "UNSUPPORTED" | "USAGE",
    message: string,
    readonly remedy?: string,
    options?: ErrorOptions,
  ) {
    super(message.length > longest ? `${message.slice(0, longest)}…` : message, options); // a file may hold names of megabytes
  }
}

const longest = 4000;
