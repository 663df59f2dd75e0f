/** A mistake that the caller can act on: `subject: expected X, got Y`, then the remedy. */
export class ActivationsError extends Error {
  override readonly name = "ActivationsError";
  constructor(
    readonly code: "SHAPE" | "FORMAT" | "NOT_FOUND" | "UNSUPPORTED" | "DISPOSED" | "USAGE",
    message: string,
    readonly remedy?: string,
  ) {
    super(message);
  }
}

/** @throws USAGE unless it is a whole number of at least `least` */
export function expectCount(subject: string, name: string, value: number, least = 0): void {
  if (!(Number.isSafeInteger(value) && value >= least)) throw new ActivationsError("USAGE", `${subject}: expected ${name} to be a whole number of at least ${least}, got ${value}`);
}
