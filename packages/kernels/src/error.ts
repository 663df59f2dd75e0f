/** An error that a caller can act on: `subject: expected X, got Y`, then the remedy. */
export class KernelError extends Error {
  override readonly name: string = "KernelError";
  constructor(
    readonly code: "SHAPE" | "UNSUPPORTED" | "DISPOSED" | "USAGE" | "FORMAT" | "IO",
    message: string,
    readonly remedy?: string,
  ) {
    super(message);
  }
}

/** `linear: expected x f32[B,512], got f32[4,768] (weight is f32[2048,512])` */
export class ShapeError extends KernelError {
  override readonly name = "ShapeError";
  constructor(message: string, remedy?: string) {
    super("SHAPE", message, remedy);
  }
}
