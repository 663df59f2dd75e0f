/** An error that a caller can act on: `subject: expected X, got Y`, then the remedy. */
export class DictionaryError extends Error {
  override readonly name = "DictionaryError";
  constructor(
    readonly code: "FORMAT" | "UNSUPPORTED",
    message: string,
    readonly remedy?: string,
  ) {
    super(message);
  }
}
