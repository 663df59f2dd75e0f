import type { NeoxConfig } from "./config.js";
import { NeoxError } from "./error.js";

/**
 * Texts end to end: row r is tokens start[r] to start[r+1], and attends to itself only. No padding is needed; `attended`
 * is for rows that carry some anyway.
 */
export interface PackedRows {
  readonly tokens: Uint32Array; //    [N]
  readonly start: Uint32Array; //     [R+1], from 0 to N
  readonly positions: Uint32Array; // [N], each token's place in its text
  /** Only the first attended[r] tokens of row r are attended to; the rest is padding, which sees the real tokens before it. */
  readonly attended?: Uint32Array; // [R]
}

/**
 * Packs rows of token ids.
 * @param options.firstPosition the position of each row's first token; default 0
 * @param options.attended how many tokens of each row are real, where rows are padded on the right; default all
 */
export function packRows(rows: readonly ArrayLike<number>[], options: { firstPosition?: ArrayLike<number>; attended?: ArrayLike<number> } = {}): PackedRows {
  const start = new Uint32Array(rows.length + 1);
  rows.forEach((row, r) => (start[r + 1] = start[r] + row.length));
  const tokens = new Uint32Array(start[rows.length]);
  const positions = new Uint32Array(tokens.length);
  rows.forEach((row, r) => {
    tokens.set(row, start[r]);
    for (let t = 0; t < row.length; t++) positions[start[r] + t] = (options.firstPosition?.[r] ?? 0) + t;
  });
  return { tokens, start, positions, ...(options.attended && { attended: Uint32Array.from(options.attended) }) };
}

/**
 * Checks what the device would not notice.
 * @throws NeoxError SHAPE when the arrays disagree; USAGE for an id past the vocabulary or a position past the context
 */
export function checkRows({ tokens, start, positions, attended }: PackedRows, config: NeoxConfig): void {
  const N = tokens.length;
  const R = start.length - 1;
  for (const [name, array] of Object.entries({ tokens, start, positions, ...(attended && { attended }) }))
    if (!(array instanceof Uint32Array)) throw new NeoxError("USAGE", `rows: expected ${name} to be a Uint32Array, got ${Object.prototype.toString.call(array).slice(8, -1)}`, "make rows with packRows");
  if (N === 0) throw new NeoxError("USAGE", "rows: expected at least one token, got none");
  if (start[0] !== 0 || start[R] !== N) throw new NeoxError("SHAPE", `rows: expected start to go from 0 to ${N}, got ${start[0]} to ${start[R]}`);
  if (positions.length !== N) throw new NeoxError("SHAPE", `rows: expected ${N} positions, one for each token, got ${positions.length}`);
  if (attended && attended.length !== R) throw new NeoxError("SHAPE", `rows: expected attended for ${R} rows, got ${attended.length}`);
  for (let r = 0; r < R; r++) {
    const length = start[r + 1] - start[r];
    if (length < 0) throw new NeoxError("SHAPE", `rows: expected start to increase, got ${start[r]} then ${start[r + 1]} at row ${r}`);
    if (attended && attended[r] > length) throw new NeoxError("SHAPE", `rows: expected attended of at most ${length} at row ${r}, got ${attended[r]}`);
  }
  for (let n = 0; n < N; n++) {
    if (tokens[n] >= config.vocabulary) throw new NeoxError("USAGE", `rows: expected token ids below ${config.vocabulary}, got ${tokens[n]} at ${n}`, "use the tokenizer that belongs to the model");
    if (positions[n] >= config.contextLength) throw new NeoxError("USAGE", `rows: expected positions below ${config.contextLength}, got ${positions[n]} at ${n}`, "cut the rows to the model's context length");
  }
}

/** Which keys each token attends to, first and past the last, in its row: u32[N,2]. */
export function spansOf({ tokens, start, attended }: PackedRows): Uint32Array {
  const spans = new Uint32Array(2 * tokens.length);
  for (let r = 0; r + 1 < start.length; r++) {
    const realEnd = attended ? start[r] + attended[r] : start[r + 1];
    for (let n = start[r]; n < start[r + 1]; n++) spans.set([start[r], Math.min(n + 1, realEnd)], 2 * n);
  }
  return spans;
}

/** Consecutive rows in parts of at most `tokens` tokens; a row is never cut, so a longer one is a part by itself. */
export function* partsOf(rows: PackedRows, tokens: number): Generator<{ rows: PackedRows; firstRow: number }> {
  const { start } = rows;
  const R = start.length - 1;
  for (let first = 0, end = 0; first < R; first = end) {
    end = first + 1;
    while (end < R && start[end + 1] - start[first] <= tokens) end++;
    const [from, to] = [start[first], start[end]];
    const part = { tokens: rows.tokens.subarray(from, to), positions: rows.positions.subarray(from, to), start: start.slice(first, end + 1).map((n) => n - from) };
    if (to > from) yield { firstRow: first, rows: rows.attended ? { ...part, attended: rows.attended.subarray(first, end) } : part };
  }
}

/** The last token of each row that is no padding. @throws NeoxError USAGE for a row without one */
export function lastTokens({ start, attended }: PackedRows): Uint32Array {
  return start.slice(0, -1).map((from, r) => {
    const length = attended?.[r] ?? start[r + 1] - from;
    if (length === 0) throw new NeoxError("USAGE", `rows: expected a token in every row for the last logits, got none in row ${r}`);
    return from + length - 1;
  });
}

/** The tokens whose successor in the row is known, padding left out, and those successors. */
export function nextTokenPairs({ tokens, start, attended }: PackedRows): { from: Uint32Array; targets: Uint32Array } {
  const from: number[] = [];
  for (let r = 0; r + 1 < start.length; r++) {
    const end = attended ? start[r] + attended[r] : start[r + 1];
    for (let n = start[r]; n + 1 < end; n++) from.push(n);
  }
  return { from: Uint32Array.from(from), targets: Uint32Array.from(from, (n) => tokens[n + 1]) };
}
