import { type Lock } from "@dictlearn/hub";
import { type RunDirectory } from "dictlearn";

/** The folders that a run has for itself until it ends, however it ends. */
export class Locks implements AsyncDisposable {
  readonly #held: Lock[] = [];

  /** @param note told of a killed run whose folder is taken over */
  constructor(private readonly note: (line: string) => void) {}

  /** @throws IO where another process is at it */
  async take(directory: RunDirectory): Promise<void> {
    this.#held.push(await directory.lock({ note: this.note }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const lock of this.#held) await lock.release();
  }
}
