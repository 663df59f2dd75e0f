import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { CommandError } from "@dictlearn/command";
import { type Hub } from "@dictlearn/hub";
import { type Device } from "@dictlearn/kernels";
import { type Dictionary, findDictionaries, type Model, openDictionary } from "dictlearn";

/** What a site is where nobody and no file says one. */
export const defaultSite = "layers.3.mlp_out";

/** A dictionary at its site. */
export interface OpenReading {
  site: string;
  /** as the person named it, or where it was found */
  name: string;
  dictionary: Dictionary;
}

export interface Asked {
  /** `PATH`, the folder of a run, or `SITE=PATH` */
  dictionaries: readonly string[];
  /** in any spelling; "all": every site that has a dictionary */
  sites: readonly string[] | "all" | undefined;
}

interface Found {
  name: string;
  /** the site it was paired with */
  pair?: string;
  /** it lies in a folder that was named, beside others */
  amongOthers: boolean;
}

/**
 * Opens the dictionaries that were asked for, each with its site: the one it was paired with, the only one that was asked
 * for, or the one that its config or its folder names. In the order of the model's layers, then as they were named.
 * @param to.decodes whether anything will be decoded, where there may be several readings or is one
 * @throws CommandError USAGE for what does not go together, told with what was found
 */
export async function openReadings({ dictionaries, sites }: Asked, { device, hub, model: opening, decodes, note }: { device: Device | Promise<Device>; hub: Hub; model: Promise<Model>; decodes: (several: boolean) => boolean; note: (line: string) => void }): Promise<OpenReading[]> {
  const found = (await Promise.all(dictionaries.map(findIn))).flat();
  const [only] = found.length === 1 ? found : [];
  if (only) {
    const [dictionary, model] = await Promise.all([openDictionary(only.name, { device, hub, encodeOnly: !decodes(sites === "all") }), opening]);
    return matched([{ ...only, dictionary }], { sites, others: [], model, note });
  }
  const model = await opening;
  const wanted = sites === "all" ? undefined : sites?.map((site) => model.site(site));
  const opened: (Found & { dictionary: Dictionary })[] = [];
  const others = new Set<string>();
  for (const one of found) {
    const site = one.amongOthers && wanted ? siteOfFolder(model, one.name) : undefined;
    if (site === undefined || wanted!.includes(site)) opened.push({ ...one, dictionary: await openDictionary(one.name, { device, hub, encodeOnly: !decodes(true) }) });
    else others.add(site); // of a big run no more is read than is asked for
  }
  return matched(opened, { sites, others: [...others], model, note });
}

async function findIn(argument: string): Promise<Found[]> {
  const [, pair, path = argument] = (!existsSync(argument) && /^([\w.]+)=(.+)$/.exec(argument)) || []; // a path may have one too: lr=0.001/ae.pt
  const names = await findDictionaries(path);
  return names.map((name) => ({ name, ...(pair !== undefined && { pair }), amongOthers: names.length > 1 }));
}

function matched(opened: readonly (Found & { dictionary: Dictionary })[], { sites, others, model, note }: { sites: Asked["sites"]; others: readonly string[]; model: Model; note: (line: string) => void }): OpenReading[] {
  const wanted = sites === "all" ? undefined : sites?.map((site) => model.site(site));
  const twice = wanted?.find((site, i) => wanted.indexOf(site) < i);
  if (twice !== undefined) throw new CommandError("USAGE", `--site: expected each site once, got ${twice} twice`, "leave one out; two spellings may mean the same site");

  const readings: OpenReading[] = [];
  for (const { name, pair, amongOthers, dictionary } of opened) {
    const named = attempt(model, dictionary.origin?.site) ?? siteOfFolder(model, name);
    const only = wanted?.length === 1 && opened.length === 1 && !amongOthers ? wanted[0] : undefined;
    const fallback = wanted?.length === 1 ? wanted[0] : opened.length === 1 && sites === undefined ? model.site(defaultSite) : undefined;
    const site = pair === undefined ? (only ?? named ?? fallback) : model.site(pair);
    if (site === undefined) throw new CommandError("USAGE", `${name}: expected a site for this dictionary, got ${dictionary.origin?.site === undefined ? "a config that names none" : `${JSON.stringify(dictionary.origin.site)}, which is none of ${model.name}`}`, `say which: --dictionary ${defaultSite}=${name}`);
    if (wanted && !wanted.includes(site)) {
      if (amongOthers) continue;
      throw new CommandError("USAGE", `${name}: expected a dictionary for ${listed(wanted)}, got one for ${site}`, `add --site ${site}, leave the dictionary out, or say where to read it: ${wanted[0]}=${name}`);
    }
    if (only !== undefined && named !== undefined && named !== only) note(`${name}: trained at ${named}, read at ${only} as --site says`);
    if (readings.some((other) => other.site === site && placeOf(other.name) === placeOf(name))) throw new CommandError("USAGE", `--dictionary: expected each dictionary once at a site, got ${name} twice at ${site}`, "leave one out");
    readings.push({ site, name, dictionary });
  }

  const bare = wanted?.find((site) => readings.every((reading) => reading.site !== site));
  if (bare !== undefined) throw new CommandError("USAGE", `${bare}: expected a dictionary for this site, got some for ${listed(model.sites.filter((site) => others.includes(site) || readings.some((reading) => reading.site === site)))}`, `name one (--dictionary ${bare}=PATH), or leave the site out`);
  if (readings.length > 1)
    for (const { name, site, dictionary } of readings)
      if (dictionary.D !== model.width) throw new CommandError("USAGE", `${name}: expected D = ${model.width} (${site} of ${model.name}), got D = ${dictionary.D}`, "compare dictionaries that were trained on this model");
  return readings.sort((a, b) => model.sites.indexOf(a.site) - model.sites.indexOf(b.site));
}

/** `.../resid_post_layer_3/trainer_0/ae.pt` → `layers.3.resid_post` */
function siteOfFolder(model: Model, name: string): string | undefined {
  for (const part of name.split(/[/\\]/).reverse()) {
    const site = /\d/.test(part) ? attempt(model, part) : undefined; // a folder may be called embed for another reason
    if (site !== undefined) return site;
  }
  return undefined;
}

function attempt(model: Model, spelling: string | undefined): string | undefined {
  try {
    return spelling === undefined ? undefined : model.site(spelling);
  } catch {
    return undefined;
  }
}

const placeOf = (name: string) => (name.startsWith("hf:") || name === "demo" ? name : resolve(name).replace(/[/\\][^/\\]+\.(pt|safetensors)$/, ""));
const listed = (names: readonly string[]) => names.join(", ").replace(/, ([^,]*)$/, " and $1");
