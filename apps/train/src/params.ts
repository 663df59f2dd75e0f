import { readFileSync } from "node:fs";
import { check, CommandError, nearest, resolvePath, shown } from "@dictlearn/command";
import { z } from "zod";

/** What a file of parameters may say, under the names that the original script gave them. */
export const paramsSchema = z.object({
  context_length: z.int().min(1),
  llm_batch_size: z.int().min(1),
  sae_batch_size: z.int().min(1),
  device: z.enum(["auto", "webgpu", "cpu", "cuda", "mps"]),
  save_dir: z.string().min(1),
  model_name: z.string().min(1),
  random_seed: z.int().min(0),
  layer: z.int().min(0),
  dataset_name: z.string().min(1),
  num_tokens: z.int().min(1),
});
export type Params = z.output<typeof paramsSchema>;
export type ParamName = keyof Params;
export const paramNames = Object.keys(paramsSchema.shape) as ParamName[];

export const defaultFile = new URL("../params.json", import.meta.url);

interface Entry {
  value: unknown;
  description: string;
}

/**
 * The values in a file of parameters, `{ "layer": { "value": 3, "description": "…" }, … }`, some or all.
 * @throws CommandError NOT_FOUND, and USAGE `params.json: num_token: expected one of …` — did you mean num_tokens?
 */
export function readParams(file: string | URL): Partial<Params> {
  return checked(readEntries(file), nameOf(file));
}

/** What each parameter is, in the words of the default file. */
export function descriptions(): Record<ParamName, string> {
  const entries = readEntries(defaultFile);
  return Object.fromEntries(paramNames.map((name) => [name, `${entries[name].description} (params.json: ${String(entries[name].value)})`])) as Record<ParamName, string>;
}

const nameOf = (file: string | URL): string => (typeof file === "string" ? file : "params.json");

function readEntries(file: string | URL): Record<string, Entry> {
  const name = nameOf(file);
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(typeof file === "string" ? resolvePath(file) : file, "utf8"));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new CommandError("NOT_FOUND", `${name}: expected a file of parameters, got none`, "leave out --params for the default ones");
    if (code !== undefined) throw error;
    throw new CommandError("USAGE", `${name}: expected JSON, got ${message}`);
  }
  if (!isObject(json)) throw new CommandError("USAGE", `${name}: expected a JSON object, got ${shown(json).slice(0, 60)}`);
  for (const [key, entry] of Object.entries(json)) {
    if (!paramNames.some((known) => known === key)) throw new CommandError("USAGE", `${name}: ${key}: expected one of ${paramNames.join(", ")}`, meant(key, paramNames));
    if (!isObject(entry) || !("value" in entry)) throw new CommandError("USAGE", `${name}: ${key}: expected { "value", "description" }, got ${shown(entry).slice(0, 60)}`);
  }
  return json as Record<string, Entry>;
}

function checked(entries: Record<string, Entry>, name: string): Partial<Params> {
  return check(paramsSchema.partial(), Object.fromEntries(Object.entries(entries).map(([key, { value }]) => [key, value])), { subject: (key) => `${name}: ${key}` });
}

/** A remedy for a name that is none. */
export const meant = (name: string, names: readonly string[]): string | undefined => {
  const near = nearest(name, names);
  return near === undefined ? undefined : `did you mean ${near}?`;
};

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
