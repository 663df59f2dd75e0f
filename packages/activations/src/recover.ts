import type { Row, SavedBuffer } from "./bufferState.js";
import { checkActivations, disposeAll, type Activations, type ActivationSource, type TokenRows } from "./source.js";

/** A part of the activations that a state tells of: row `from` of the tensors is the state's entry `place`. */
export interface Recovered {
  readonly activations: Activations;
  readonly sites: ReadonlyMap<string, number>;
  readonly found: readonly { place: number; from: number }[];
}

/**
 * The activations of a state's entries in parts of about a batch: saved with it, or from the source, run again on the
 * rows that they belong to. Whoever takes a part disposes its tensors.
 */
export function recover(source: ActivationSource, saved: SavedBuffer): AsyncIterable<Recovered> | Iterable<Recovered> {
  return saved.activations ? uploaded(source, saved, saved.activations) : rerun(source, saved);
}

async function* rerun(source: ActivationSource, { rows, entries, progress }: SavedBuffer): AsyncGenerator<Recovered, void> {
  const byRow = new Map<Row, { place: number; position: number }[]>(rows.map((row) => [row, []]));
  entries.forEach(({ row, position }, place) => byRow.get(row)!.push({ place, position }));
  let known: ReadonlyMap<string, number> | undefined;
  for (let first = 0, end = 0; first < rows.length; first = end) {
    const start = [0];
    while (end < rows.length && (end === first || start.at(-1)! + rows[end].tokens.length <= progress.batchSize)) start.push(start.at(-1)! + rows[end++].tokens.length);
    const part = rows.slice(first, end);
    const packed: TokenRows = { tokens: new Uint32Array(start.at(-1)!), start: Uint32Array.from(start) };
    part.forEach((row, r) => packed.tokens.set(row.tokens, start[r]));
    const activations = await source.rerun(packed);
    try {
      known = checkActivations(source.device, activations, packed, known);
    } catch (cause) {
      disposeAll(activations);
      throw cause;
    }
    yield { activations, sites: known, found: part.flatMap((row, r) => byRow.get(row)!.map(({ place, position }) => ({ place, from: start[r] + position }))) };
  }
}

function* uploaded({ device }: ActivationSource, { entries, progress }: SavedBuffer, saved: NonNullable<SavedBuffer["activations"]>): Generator<Recovered, void> {
  const sites = new Map([...saved].map(([site, { D }]) => [site, D]));
  for (let first = 0; first < entries.length; first += progress.batchSize) {
    const n = Math.min(progress.batchSize, entries.length - first);
    const activations = Object.fromEntries([...saved].map(([site, { D, data }]) => [site, device.tensor(data.subarray(first * D, (first + n) * D), [n, D])]));
    yield { activations, sites, found: Array.from({ length: n }, (_, i) => ({ place: first + i, from: i })) };
  }
}
