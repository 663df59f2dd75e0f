import { ActivationsError, shown } from "./error.js";

/** What a buffer was asked for and how far it is. */
export interface Progress {
  batchSize: number;
  capacity: number;
  skipFirst: number;
  tokens: number | undefined;
  partial: boolean;
  /** Behind the last rows taken from the source; null before the first. */
  cursor: unknown;
  ended: boolean;
  /** Half was left, and it is not full again. */
  filling: boolean;
  /** Tokens drawn so far. */
  drawn: number;
}

/** A tensor by name, as checkpoint formats take and give it. */
export interface NamedTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

/** A buffer between two batches, as data: JSON, and named tensors for a safetensors file. */
export interface BufferState {
  readonly json: Readonly<BufferJson>;
  /**
   * `rows.tokens` u32[N], `rows.start` u32[R+1]: the rows that have anything unread. `unread.row`, `unread.position`
   * u32[U+P]: each unread activation, first the U in the buffer, then the P that had no room yet. `rng` u32[6].
   * `activations.<site>` f32[U+P,D] where they were asked for.
   */
  readonly tensors: readonly NamedTensor[];
}

export interface BufferJson extends Omit<Progress, "tokens"> {
  readonly version: 1;
  readonly tokens: number | null;
  /** U */
  readonly unread: number;
}

/** A row of text that something unread belongs to. */
export interface Row {
  readonly tokens: Uint32Array;
  /** Rows are saved in the order in which they came, which suits a source that reads them again. */
  readonly order: number;
}

interface SavedEntry {
  readonly row: Row;
  readonly position: number;
}

export interface SavedBuffer {
  readonly progress: Progress;
  readonly rng: Uint32Array;
  readonly unread: number;
  readonly entries: readonly SavedEntry[];
  /** Those of the entries, in the order in which they came. */
  readonly rows: readonly Row[];
  readonly activations?: ReadonlyMap<string, { D: number; data: Float32Array }>;
}

export function packState({ progress, rng, unread, entries, activations }: Omit<SavedBuffer, "rows">): BufferState {
  const rows = [...new Set(entries.map(({ row }) => row))].sort((a, b) => a.order - b.order);
  const numberOf = new Map(rows.map((row, r) => [row, r]));
  const start = new Uint32Array(rows.length + 1);
  rows.forEach(({ tokens }, r) => (start[r + 1] = start[r] + tokens.length));
  const tokens = new Uint32Array(start[rows.length]);
  rows.forEach((row, r) => tokens.set(row.tokens, start[r]));
  const u32 = (name: string, data: Uint32Array): NamedTensor => ({ name, dtype: "u32", shape: [data.length], data });
  return {
    json: { version: 1, ...progress, tokens: progress.tokens ?? null, cursor: structuredClone(progress.cursor), unread },
    tensors: [
      u32("rows.tokens", tokens),
      u32("rows.start", start),
      u32("unread.row", Uint32Array.from(entries, ({ row }) => numberOf.get(row)!)),
      u32("unread.position", Uint32Array.from(entries, ({ position }) => position)),
      u32("rng", rng),
      ...[...(activations ?? [])].map(([site, { D, data }]) => ({ name: `activations.${site}`, dtype: "f32", shape: [entries.length, D], data })),
    ],
  };
}

/** @throws FORMAT for a state that no buffer has written */
export function unpackState({ json, tensors }: BufferState): SavedBuffer {
  const check = (fits: boolean, what: string, got: unknown) => {
    if (!fits) throw new ActivationsError("FORMAT", `buffer state: expected ${what}, got ${shown(got)}`, "resume from another saved state");
  };
  const { version, batchSize, capacity, skipFirst, tokens, partial, cursor = null, ended, filling, drawn, unread } = json;
  check(version === 1, "version 1", version);
  const counts: [string, unknown, number][] = [["batchSize", batchSize, 1], ["capacity", capacity, batchSize], ["skipFirst", skipFirst, 0], ["drawn", drawn, 0], ["unread", unread, 0], ["tokens", tokens ?? 0, 0]];
  for (const [name, value, least] of counts) check(Number.isSafeInteger(value) && (value as number) >= least, `${name} to be a whole number of at least ${least}`, value);
  check([partial, ended, filling].every((flag) => typeof flag === "boolean"), "partial, ended and filling to be true or false", [partial, ended, filling]);

  const named = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const u32 = (name: string): Uint32Array => {
    const data = named.get(name)?.data;
    if (!(data instanceof Uint32Array)) throw new ActivationsError("FORMAT", `buffer state: expected tensor ${name} of u32, got ${named.get(name)?.dtype ?? "none"}`);
    return data;
  };
  const [all, start, rowOf, position, rng] = [u32("rows.tokens"), u32("rows.start"), u32("unread.row"), u32("unread.position"), u32("rng")];
  const R = start.length - 1;
  check(R >= 0 && start[0] === 0 && start[R] === all.length && start.every((at, r) => r === 0 || at >= start[r - 1]), `rows.start to increase from 0 to ${all.length}`, [...start.subarray(0, 8)]);
  check(rowOf.length === position.length, `as many positions as rows (${rowOf.length})`, position.length);
  check(unread <= rowOf.length && unread <= capacity, `at most ${Math.min(rowOf.length, capacity)} unread`, unread);
  const rows = Array.from({ length: R }, (_, r): Row => ({ tokens: all.slice(start[r], start[r + 1]), order: r }));
  const entries = Array.from(rowOf, (r, i): SavedEntry => {
    check(r < R && position[i] < rows[r].tokens.length, `a token of ${R} rows for entry ${i}`, [r, position[i]]);
    return { row: rows[r], position: position[i] };
  });

  const activations = new Map<string, { D: number; data: Float32Array }>();
  for (const { name, shape, data } of tensors) {
    if (!name.startsWith("activations.")) continue;
    const site = name.slice("activations.".length);
    if (!(data instanceof Float32Array) || shape.length !== 2 || shape[0] !== entries.length || data.length !== shape[0] * shape[1])
      throw new ActivationsError("FORMAT", `buffer state: expected ${name} to be f32[${entries.length},D], got [${shape}]`);
    activations.set(site, { D: shape[1], data });
  }
  const progress: Progress = { batchSize, capacity, skipFirst, tokens: tokens ?? undefined, partial, cursor, ended, filling, drawn };
  return { progress, rng, unread, entries, rows, ...(activations.size > 0 && { activations }) };
}
