import { DictionaryError } from "../error.js";
import { type Config } from "./format.js";

/** A whole number > 0 from a config. @throws DictionaryError FORMAT `sae: expected d_in to be a whole number > 0, got "12" (cfg.json)` */
export function wholeNumber(config: Config, name: string, subject: string): number {
  const value = config[name];
  if (typeof value === "number" && Number.isSafeInteger(value) && value > 0) return value;
  throw new DictionaryError("FORMAT", `${subject}: expected ${name} to be a whole number > 0, got ${said(value)} (cfg.json)`);
}

/** @throws DictionaryError FORMAT; `byDefault` where the config says nothing or null */
export function flag(config: Config, name: string, subject: string, byDefault: boolean): boolean {
  const value = config[name] ?? byDefault;
  if (typeof value === "boolean") return value;
  throw new DictionaryError("FORMAT", `${subject}: expected ${name} to be true or false, got ${said(value)} (cfg.json)`);
}

/** For messages. */
export function said(value: unknown): string {
  if (value === undefined) return "none";
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 80);
  } catch {
    return "a value nested too deeply to show"; // where the stack ends
  }
}

export const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
export const numberOf = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);
