import { Option } from "commander";
import { z } from "zod";

/** What `z.toJSONSchema` says of one flag; `placeholder`, `short` and `heading` come from `.meta()`. */
export interface FlagSchema {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: FlagSchema[];
  items?: FlagSchema;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  default?: unknown;
  description?: string;
  placeholder?: string;
  short?: string;
  heading?: string;
}

/** The flags of a zod object, by key, as people write them (before transforms), and which must be given. */
export function flagSchemas(schema: z.ZodObject): { properties: Record<string, FlagSchema>; required: string[] } {
  const { properties, required } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  return { properties: (properties ?? {}) as Record<string, FlagSchema>, required: required ?? [] };
}

/** contextLength → --context-length */
export function flagName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** One flag of the command line; two where a boolean can also be turned off. */
export function flagOptions(key: string, flag: FlagSchema, required: boolean): Option[] {
  const options = optionsOf(key, flag, required);
  return flag.heading === undefined ? options : options.map((option) => option.helpGroup(`${flag.heading}:`));
}

function optionsOf(key: string, flag: FlagSchema, required: boolean): Option[] {
  const name = flagName(key);
  const short = flag.short ? `-${flag.short}, ` : "";
  if (flag.type === "boolean") {
    const on = new Option(`${short}${name}`, helpOf(flag, required));
    if (flag.default === false) return [on];
    const off = new Option(name.replace("--", "--no-"), flag.default === true ? helpOf(flag, required) : `not ${name}`);
    return [flag.default === true ? on.hideHelp() : on, off];
  }
  const option = new Option(`${short}${name} <${flag.placeholder ?? placeholder(flag)}>`, helpOf(flag, required));
  return [option.argParser((text: string, before: unknown) => parse(text, flag, before))];
}

/** A word of the command line as the type that the schema expects; what does not fit stays text, for zod to name. */
export function parse(text: string, flag: FlagSchema, before: unknown): unknown {
  if (flag.type === "array") {
    const words = flag.items?.type === "string" && !flag.items.enum ? [text] : text.split(",");
    return [...(Array.isArray(before) ? before : []), ...words.map((word) => parse(word, flag.items ?? {}, undefined))];
  }
  const number = takesNumber(flag) && text.trim() !== "" ? Number(text) : NaN;
  return Number.isNaN(number) ? text : number;
}

/** `one of mean, max`, `a whole number >= 1`: what help and errors call the values of a flag. */
export function expectation(flag: FlagSchema): string {
  if (flag.enum) return `one of ${flag.enum.join(", ")}`;
  if (flag.const !== undefined) return String(flag.const);
  if (flag.anyOf) return flag.anyOf.map(expectation).join(" or ");
  if (flag.type === "array") return `a list, each ${expectation(flag.items ?? {})}`;
  if (flag.type === "number" || flag.type === "integer")
    return [flag.type === "integer" ? "a whole number" : "a number", ...bounds(flag)].join(" ");
  return flag.placeholder ?? "text";
}

function bounds({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: FlagSchema): string[] {
  const above = exclusiveMinimum !== undefined ? `> ${exclusiveMinimum}` : bound(minimum, ">=");
  const below = exclusiveMaximum !== undefined ? `< ${exclusiveMaximum}` : bound(maximum, "<=");
  return above && below ? [above, "and", below] : [above ?? below ?? ""].filter(Boolean);
}

/** zod's integers are bounded by what a double can count, which goes without saying. */
function bound(limit: number | undefined, sign: string): string | undefined {
  return limit === undefined || Math.abs(limit) === Number.MAX_SAFE_INTEGER ? undefined : `${sign} ${limit}`;
}

function helpOf(flag: FlagSchema, required: boolean): string {
  const notes = [
    flag.enum && expectation(flag),
    flag.default !== undefined && flag.type !== "boolean" && `default: ${[flag.default].flat().join(",")}`,
    required && "required",
  ].filter(Boolean);
  return [flag.description, notes.length && `(${notes.join("; ")})`].filter(Boolean).join(" ");
}

function placeholder(flag: FlagSchema): string {
  if (flag.type === "array") return `${placeholder(flag.items ?? {})}${flag.items?.type === "string" ? "" : ",..."}`;
  if (flag.enum) return "name";
  return takesNumber(flag) ? "n" : "text";
}

function takesNumber(flag: FlagSchema): boolean {
  return flag.type === "number" || flag.type === "integer" || (flag.anyOf ?? []).some(takesNumber);
}
