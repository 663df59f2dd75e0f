/** A mistake that the caller can act on: `subject: expected X, got Y`, then the remedy. */
export class ActivationsError extends Error {
  override readonly name = "ActivationsError";
  constructor(
    readonly code: "SHAPE" | "FORMAT" | "NOT_FOUND" | "UNSUPPORTED" | "DISPOSED" | "USAGE",
    message: string,
    readonly remedy?: string,
  ) {
    super(message.length > longest ? `${message.slice(0, longest)}…` : message); // a file may hold names of megabytes
  }
}

const longest = 4000;

/** A value of a file in a few characters, for messages. */
export function shown(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 160);
  } catch {
    return "a value nested too deeply to show"; // where the stack ends
  }
}

/** @throws USAGE unless it is a whole number of at least `least` */
export function expectCount(subject: string, name: string, value: number, least = 0): void {
  if (!(Number.isSafeInteger(value) && value >= least)) throw new ActivationsError("USAGE", `${subject}: expected ${name} to be a whole number of at least ${least}, got ${value}`);
}
