import { existsSync } from "node:fs";
import { type Hub } from "@dictlearn/hub";
import { outOfReach } from "./outOfReach.js";

/** In an archive of 2 GB on the Hub, of which it is one entry. */
const archived = { repo: "saprmarks/pythia-70m-deduped-saes", zip: "dictionaries_pythia-70m-deduped_10.zip", entry: "mlp_out_layer3/10_32768" };

interface Usual {
  readonly name: string;
  /** Where it is taken from instead if it lies where the person stands. */
  readonly local: string;
  /** The smallest file of it: whether that is there tells whether the Hub, or else its cache, can be used. */
  probe(hub: Hub): Promise<unknown>;
}

/** What is meant where nothing is named. */
export const usual = {
  model: {
    name: "EleutherAI/pythia-70m-deduped",
    local: "EleutherAI/pythia-70m-deduped",
    probe: (hub) => hub.file({ repo: "EleutherAI/pythia-70m-deduped" }, "config.json"),
  },
  texts: {
    name: "monology/pile-uncopyrighted",
    local: "monology/pile-uncopyrighted",
    probe: (hub) => hub.file({ type: "dataset", repo: "monology/pile-uncopyrighted" }, "README.md"),
  },
  dictionary: {
    name: `hf:${archived.repo}/${archived.zip}!/${archived.entry}/ae.pt`,
    local: `dictionaries/pythia-70m-deduped/${archived.entry}/ae.pt`,
    probe: (hub) => hub.zipEntry({ repo: archived.repo }, archived.zip, `${archived.entry}/config.json`),
  },
} satisfies Record<string, Usual>;

export interface Chosen<K extends string> {
  readonly names: Readonly<Record<K, string>>;
  /** Why the bundled demo stands in for all: what could not be reached. */
  readonly unreachable?: string;
}

/**
 * What to open. What is asked for by name is never replaced. Where nothing is, it is the usual: as it lies where the person
 * stands, else from the Hub; where that can't be reached, the bundled demo stands in for all. If one is the demo, the
 * others' defaults are too, since only these fit each other.
 * @param asked the things that are to be opened: what was asked for, or undefined
 */
export async function chooseNames<K extends keyof typeof usual>(asked: Readonly<Record<K, string | undefined>>, { hub, offline }: { hub: Hub; offline: boolean }): Promise<Chosen<K>> {
  const kinds = Object.keys(asked) as K[];
  const all = (name: (kind: K) => string) => Object.fromEntries(kinds.map((kind) => [kind, name(kind)])) as Record<K, string>;
  const isHere = (kind: K) => existsSync(usual[kind].local);
  const usually = (kind: K) => (isHere(kind) ? usual[kind].local : usual[kind].name);
  if (kinds.some((kind) => asked[kind] !== undefined)) {
    const isDemo = kinds.some((kind) => asked[kind] === "demo");
    return { names: all((kind) => asked[kind] ?? (isDemo ? "demo" : usually(kind))) };
  }
  const unreachable = await outOfReach(kinds.filter((kind) => !isHere(kind)).map((kind) => () => usual[kind].probe(hub)), { offline });
  return unreachable === undefined ? { names: all(usually) } : { names: all(() => "demo"), unreachable };
}
