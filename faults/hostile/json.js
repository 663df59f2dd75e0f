import { magic } from "./mutate.js";

const encoder = new TextEncoder();
export const bytesOf = (text) => encoder.encode(text);
export const textOf = (bytes) => new TextDecoder().decode(bytes);

/** Words that JSON readers trip over. */
export const jsonTokens = [
  '"__proto__":', '"constructor":{"prototype":{}},', '"toString":1,', '"hasOwnProperty":null,', '"length":-1,', '""', "{}", "[]", "null", "true", '"a"', "1e999", "-1e999", "-0", "0.1", "1e-400", "9007199254740993", "-1", "2147483648", "4294967296", "9223372036854775807",
  "[".repeat(30_000) + "]".repeat(30_000), '{"a":'.repeat(10_000) + "1" + "}".repeat(10_000), "[[],[],[],[],[]],", "\\ud800", "\\u0000", "\u2028", "\ufeff", "NaN", "\n", ",", ":", "}", "]", `"${"x".repeat(300)}"`,
].map(bytesOf);

const names = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "then", "length", "", "0", "-1", "a/../../b", "\u0000", "\ud800"];
const texts = ["", "text", "../../../etc/passwd", "/etc/passwd", "C:\\x", "a\u0000b", "__proto__", "<script>", "\ud800", "\u202e", "x".repeat(2000), "NaN", "1", "hf:a/b", "(a+)+$", "*".repeat(30), "%00", "\n"];

/** Any value of JSON, the odd ones first. */
export function oddValue(random, depth = 3) {
  const kind = random.below(depth > 0 ? 9 : 6);
  if (kind === 0) return null;
  if (kind === 1) return random.below(2) === 0;
  if (kind === 2) return random.pick(magic);
  if (kind === 3) return random.pick([0.5, -0.5, 1e308, 5e-324, -0, 1e21, 3.7]);
  if (kind <= 5) return random.pick(texts);
  if (kind === 6) return Array.from({ length: random.below(4) }, () => oddValue(random, depth - 1));
  return Object.fromEntries(Array.from({ length: random.below(4) }, () => [random.pick(names), oddValue(random, depth - 1)]));
}

/** The value with one to three of its members, at any depth, taken out, made odd or doubled under an odd name. */
export function oddCopy(value, random) {
  let copy = value;
  for (let left = 1 + random.below(3); left > 0; left--) copy = oddOnce(copy, random);
  return copy;
}

function oddOnce(value, random) {
  if (typeof value !== "object" || value === null || random.below(12) === 0) return oddValue(random);
  const entries = Object.entries(value);
  if (entries.length === 0) return oddValue(random);
  const [key, inner] = random.pick(entries);
  if (Array.isArray(value)) {
    if (random.below(5) === 0) return value.filter((_, i) => i !== Number(key));
    if (random.below(5) === 0) return [...value, inner];
    return value.map((one, i) => (i === Number(key) ? oddOnce(one, random) : one));
  }
  if (random.below(5) === 0) return Object.fromEntries(entries.filter(([name]) => name !== key));
  if (random.below(8) === 0) return Object.fromEntries([...entries, [random.pick(names), inner]]);
  return Object.fromEntries(entries.map(([name, one]) => [name, name === key ? oddOnce(one, random) : one]));
}

/** JSON of a value, now and then with a name twice or a number that no double holds. */
export function oddJson(value, random) {
  const text = JSON.stringify(value) ?? "null";
  if (random.below(6) === 0) return text.replace("{", `{${random.pick(['"__proto__":{"a":1},', '"constructor":1,', '"a":1e999,', '"a":1,"a":2,'])}`);
  if (random.below(12) === 0) return text.replace(/\d+/, random.pick(["1e999", "-1e999", "1e-999", "99999999999999999999", "-0", "1.5"]));
  return text;
}
