import { list } from "./checkpoint.js";
import { CheckpointError, formatError } from "./error.js";
import { TorchTensor } from "./torchPickle.js";

export type PlainValue = string | number | bigint | boolean | null;

/** How deep dicts and lists may be nested, in what is read and what is written. */
export const deepest = 16;
const mostCharacters = 4 * 2 ** 20; // of all names together, each counted with 64 more: dicts may be shared, and names repeat prefixes

/**
 * The leaves of nested dicts, lists and tuples by dotted name: `optimizer.state.0.exp_avg`.
 * @param at the dotted name of the dict to take; its own names are relative to it
 * @throws FORMAT if the root is no dict, a name occurs twice, or the nesting does not end; NOT_FOUND if `at` is missing
 */
export function flatten(root: unknown, at: string | undefined, subject: string) {
  if (!(root instanceof Map)) throw formatError(`${subject}: expected a dict of tensors, got ${kindOf(root)}`);
  const tensors = new Map<string, TorchTensor>();
  const values = new Map<string, PlainValue>();
  let characters = 0;

  function visit(value: unknown, name: string, depth: number): void {
    if (depth > deepest) throw formatError(`${subject}: expected at most ${deepest} levels of dicts and lists, got more`);
    if ((characters += 64 + name.length) > mostCharacters) throw formatError(`${subject}: expected names of at most ${mostCharacters} characters, got more`);
    if (value instanceof Map || Array.isArray(value)) {
      const entries: Iterable<[unknown, unknown]> = value.entries();
      for (const [key, inner] of entries) visit(inner, join(name, key), depth + 1);
      return;
    }
    if (tensors.has(name) || values.has(name)) throw formatError(`${subject}: expected each name once, got "${name}" twice`);
    if (value instanceof TorchTensor) tensors.set(name, value);
    else if (isPlain(value)) values.set(name, value);
    // What is left are dtypes and other globals: nothing that a reader of tensors asks for.
  }

  function join(name: string, key: unknown): string {
    if (!isPlain(key) || key === null) throw formatError(`${subject}: expected text or numbers as names, got ${kindOf(key)}`);
    return name === "" ? String(key) : `${name}.${key}`;
  }

  visit(root, "", 0);
  if (at === undefined) return { tensors, values };
  const inside = { tensors: within(tensors, at), values: within(values, at) };
  if (inside.tensors.size + inside.values.size === 0)
    throw new CheckpointError("NOT_FOUND", `${subject}: expected a dict at "${at}", got ${list(root.keys() as Iterable<string>)}`);
  return inside;
}

function within<V>(all: ReadonlyMap<string, V>, at: string): Map<string, V> {
  return new Map([...all].filter(([name]) => name.startsWith(`${at}.`)).map(([name, value]) => [name.slice(at.length + 1), value]));
}

function isPlain(value: unknown): value is PlainValue {
  return value === null || ["string", "number", "bigint", "boolean"].includes(typeof value);
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value instanceof TorchTensor) return "a tensor";
  return isPlain(value) && value !== null ? `a ${typeof value}` : "another object";
}
