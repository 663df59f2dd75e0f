/** A source that cannot be read as texts: `subject: expected X, got Y`, then the remedy. */
export class CorpusError extends Error {
  override readonly name = "CorpusError";
  constructor(
    readonly code: "FORMAT" | "NOT_FOUND" | "IO" | "UNSUPPORTED" | "USAGE",
    message: string,
    readonly remedy?: string,
    options?: ErrorOptions,
  ) {
    super(message.length > longest ? `${message.slice(0, longest)}…` : message, options); // a file may hold names of megabytes
  }
}

const longest = 2000;
