/**
 * A file that could not be had: `subject: expected X, got Y`, then the remedy. No message holds a token or the query of a
 * signed address.
 *
 * `NETWORK` is the one code behind which a cached copy may serve: nothing answered, or what answered is out of order.
 * `NOT_FOUND` is an answer: no such repository, revision, file or entry, or none for this token; it also says what an
 * offline cache lacks. `FORMAT`: bytes that are not what they were announced to be. `IO`: the disk. `USAGE`: a name or
 * setting that cannot be meant. `UNSUPPORTED`: a zip or a server that does what this package cannot read.
 */
export class HubError extends Error {
  override readonly name = "HubError";
  constructor(
    readonly code: "NOT_FOUND" | "NETWORK" | "FORMAT" | "IO" | "USAGE" | "UNSUPPORTED",
    message: string,
    readonly remedy?: string,
    options?: ErrorOptions,
  ) {
    super(message.length > longest ? `${message.slice(0, longest)}…` : message, options); // a file may hold names of megabytes
  }
}

const longest = 4000;
