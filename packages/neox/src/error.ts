/** A mistake that the caller can act on: `subject: expected X, got Y`, then the remedy. */
export class NeoxError extends Error {
  override readonly name = "NeoxError";
  constructor(
    readonly code: "FORMAT" | "UNSUPPORTED" | "SHAPE" | "USAGE",
    message: string,
    readonly remedy?: string,
  ) {
    super(message);
  }
}
