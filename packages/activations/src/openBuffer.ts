import { openRng, restoreRng, type Rng } from "@dictlearn/kernels";
import { ActivationBuffer } from "./buffer.js";
import { unpackState, type BufferState } from "./bufferState.js";
import { ActivationsError, expectCount } from "./error.js";
import type { ActivationSource } from "./source.js";

export interface BufferOptions {
  /** B, tokens a batch. */
  batchSize: number;
  /** Tokens that the buffer holds, at least a batch. Default 20 batches. */
  capacity?: number;
  /** Leaves out the first positions of each row, whose norms are outliers. Default 0. */
  skipFirst?: number;
  /** Tokens to draw in all; the source is asked for no more than it takes. Default: as many as it has. */
  tokens?: number;
  /** What is left at the end and fills no batch comes as a smaller one; else it is dropped. Default false. */
  partial?: boolean;
  /** Which order: 0..2^53-1. */
  seed: number;
}

/**
 * A buffer in front of a source: batches are drawn uniformly, without replacement, from the activations that it holds,
 * and it is filled up when half of them are left. Every activation of the source is drawn once at the most.
 *
 * `for await (const batch of openBuffer(source, { batchSize: 4096, seed: 0 })) ...`
 */
export function openBuffer(source: ActivationSource, options: BufferOptions): ActivationBuffer {
  const { batchSize, capacity = 20 * batchSize, skipFirst = 0, tokens, partial = false, seed } = options;
  expectCount("buffer", "batchSize", batchSize, 1);
  expectCount("buffer", "capacity", capacity, batchSize);
  expectCount("buffer", "skipFirst", skipFirst);
  if (tokens !== undefined) expectCount("buffer", "tokens", tokens);
  const rng = openRng({ seed, stream: "buffer" });
  return new ActivationBuffer(source, { batchSize, capacity, skipFirst, tokens, partial, cursor: null, ended: false, filling: false, drawn: 0 }, rng);
}

/**
 * A buffer as it was when `state()` was taken: it draws the same batches that the first one drew after it, bit for bit.
 * The source runs again on the rows of what was unread, in parts of about a batch.
 * @param source opened where `state.json.cursor` says; from its beginning if that is null
 * @param options.tokens to draw in all, from the first batch on, if other than before
 * @throws FORMAT for a state that is damaged; SHAPE if the source has other sites than before
 */
export async function restoreBuffer(source: ActivationSource, state: BufferState, options: { tokens?: number } = {}): Promise<ActivationBuffer> {
  if (options.tokens !== undefined) expectCount("buffer", "tokens", options.tokens);
  const saved = unpackState(state);
  const progress = { ...saved.progress, tokens: options.tokens ?? saved.progress.tokens };
  let rng: Rng;
  try {
    rng = restoreRng(saved.rng);
  } catch (cause) {
    throw new ActivationsError("FORMAT", `buffer state: ${(cause as Error).message}`);
  }
  const buffer = new ActivationBuffer(source, progress, rng);
  try {
    await buffer.refillFrom(saved);
  } catch (cause) {
    buffer.dispose();
    throw cause;
  }
  return buffer;
}
