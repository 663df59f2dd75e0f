import { DictlearnError } from "./error.js";

/** Of one alternative: repeats without an end (published tokenizers have two at most), and choices and short repeats. */
const [mostLong, mostShort] = [2, 4];
const short = 8; // repeats: `\p{N}{1,3}`
const longest = 4096; // characters

/**
 * Refuses a tokenizer whose regular expressions could take for ever on the right text: JavaScript's engine tries every way to
 * divide a text among nested repeats, and can't be stopped. What is left takes time polynomial in a word's length.
 * @param json tokenizer.json: its patterns are `{ "Regex": "…" }`, wherever they stand
 * @throws DictlearnError UNSUPPORTED
 */
export function refuseSlowPatterns(json: unknown, path: string): void {
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      if (key === "vocab" || key === "merges") continue; // large, and without patterns
      if (key === "pattern" && typeof inner === "object" && inner !== null && !["Regex", "String"].some((kind) => typeof (inner as Record<string, unknown>)[kind] === "string"))
        throw new DictlearnError("FORMAT", `${path}: expected a pattern { "Regex" } or { "String" }, got another`);
      if (key !== "Regex" || typeof inner !== "string") visit(inner);
      else if (isSlow(inner)) throw new DictlearnError("UNSUPPORTED", `${path}: expected patterns without nested repeats and with at most ${mostLong} long ones in a row, got ${JSON.stringify(inner.slice(0, 60))}`, "it could take for ever on some texts");
    }
  };
  visit(json);
}

/**
 * Whether an unbounded or long repeat stands around what can match in several ways, or too many choices stand in a row. It
 * reads what groups, classes, escapes, alternatives and repeats are, as JavaScript does, and needs no more.
 */
export function isSlow(pattern: string): boolean {
  if (pattern.length > longest) return true;
  const open: Group[] = [newGroup()];
  let closed: Group | undefined; // the group that ended just here
  for (let at = 0; at < pattern.length; ) {
    const group = open.at(-1)!;
    const repeat = /^(?:[*+?]|\{\d*(?:,\d*)?\})[?+]?/.exec(pattern.slice(at, at + 24))?.[0];
    const ended: Group | undefined = closed;
    closed = undefined;
    if (repeat !== undefined) {
      const [least, most] = boundsOf(repeat);
      if (ended && most > 1 && ended.mostLong + ended.mostShort > 0) return true;
      if (most - least > short) group.long++;
      else if (most > least) group.short++;
      at += repeat.length;
    } else if (pattern[at] === "\\") {
      at += 2;
    } else if (pattern[at] === "[") {
      at = endOfClass(pattern, at);
    } else if (pattern[at] === "(") {
      open.push(newGroup());
      at += 1 + (/^\?(?:[:=!>]|<[=!]|<\w+>|[a-z-]*[:)])/.exec(pattern.slice(at + 1, at + 40))?.[0].length ?? 0);
    } else if (pattern[at] === ")" && open.length > 1) {
      closed = ending(open.pop()!);
      const outer = open.at(-1)!;
      outer.long += closed.mostLong;
      outer.short += closed.mostShort;
      at++;
    } else if (pattern[at] === "|") {
      open[open.length - 1] = { ...ending(group), long: 0, short: open.length > 1 ? 1 : 0 }; // behind it, one choice has been made; of those at the top the first that matches is taken
      at++;
    } else {
      at++;
    }
    if (open.some((one) => one.long > mostLong || one.short > mostShort)) return true;
  }
  return false;
}

/** Places in a group where a match may go on in several ways: in this alternative, and in the one that has most. */
interface Group {
  long: number;
  short: number;
  mostLong: number;
  mostShort: number;
}

const newGroup = (): Group => ({ long: 0, short: 0, mostLong: 0, mostShort: 0 });
const ending = (group: Group): Group => ({ ...group, mostLong: Math.max(group.mostLong, group.long), mostShort: Math.max(group.mostShort, group.short) });

/** How often at the least and at the most: `+`, `{2,}`, `?`. */
function boundsOf(repeat: string): [number, number] {
  if (repeat[0] !== "{") return repeat[0] === "?" ? [0, 1] : [repeat[0] === "+" ? 1 : 0, Infinity];
  const [, least, comma, most] = /\{(\d*)(,?)(\d*)/.exec(repeat)!;
  return [Number(least), comma === "" ? Number(least) : most === "" ? Infinity : Number(most)];
}

/** Behind the `]` of a class. */
function endOfClass(pattern: string, start: number): number {
  for (let at = start + 1; at < pattern.length; at++) {
    if (pattern[at] === "\\") at++;
    else if (pattern[at] === "]") return at + 1;
  }
  return pattern.length;
}
