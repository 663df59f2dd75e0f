/** An error that a caller can act on: `subject: expected X, got Y`, then the remedy. */
export class DictionaryError extends Error {
  override readonly name = "DictionaryError";
  constructor(
    readonly code: "FORMAT" | "UNSUPPORTED" | "SHAPE" | "USAGE" | "DISPOSED",
    message: string,
    readonly remedy?: string,
  ) {
    super(message.length > longest ? `${message.slice(0, longest)}…` : message); // a file may hold names of megabytes
  }
}

const longest = 500;
