import type { z } from "zod";
import { CommandError } from "./commandError.js";
import { expectation, flagSchemas } from "./flag.js";

/**
 * Values that fit a schema, or one line that says which does not: `--k: expected a whole number >= 1, got 0`. Flags and
 * a settings file go through the same schema, so they are told the same.
 * @param subject how a key is written where the values come from
 * @throws CommandError USAGE
 */
export function check<S extends z.ZodObject>(
  schema: S,
  values: Readonly<Record<string, unknown>>,
  { subject = (key: string) => key, remedy }: { subject?: (key: string) => string; remedy?: string } = {},
): z.output<S> {
  const result = safely(schema, values, remedy);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const [key] = issue.path;
  if (issue.code === "unrecognized_keys")
    throw new CommandError("USAGE", `${subject(issue.keys[0])}: expected one of ${Object.keys(schema.shape).join(", ")}`, remedy);
  if (key === undefined) throw new CommandError("USAGE", issue.message, remedy);

  const name = subject(String(key));
  if (issue.code === "custom") throw new CommandError("USAGE", `${name}: ${issue.message}`, remedy);
  const flag = flagSchemas(schema).properties[String(key)] ?? {};
  const expected = issue.code === "invalid_format" ? `${flag.placeholder ?? "text"} as ${issue.pattern ?? issue.format}` : expectation(flag);
  throw new CommandError("USAGE", `${name}: expected ${expected}, got ${shown(at(values, issue.path))}`, remedy);
}

/** zod's checks of length read `length` of whatever they are given, and its messages make text of it. */
function safely<S extends z.ZodObject>(schema: S, values: Readonly<Record<string, unknown>>, remedy: string | undefined): z.ZodSafeParseResult<z.output<S>> {
  try {
    return schema.safeParse(values);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new CommandError("USAGE", `expected texts, numbers and lists of them, got an object that is none (${error.message})`, remedy);
  }
}

function at(values: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((value: unknown, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], values);
}

/** A value in words, for messages. */
export function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return "a value nested too deeply to show"; // where the stack ends
  }
}
