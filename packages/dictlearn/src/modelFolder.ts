import { fileURLToPath } from "node:url";
import { DictlearnError } from "./error.js";
import { type OpenFolder } from "./folder.js";
import { type HubOption, openFolder } from "./openFolder.js";

export interface ModelPlace extends HubOption {
  /** Branch, tag or commit of a repository of the Hub; default "main". */
  revision?: string;
}

/** The folder of a model: "demo", one on this machine, or a repository of the Hub. */
export async function modelFolder(name: string, place: ModelPlace): Promise<OpenFolder> {
  if (name === "demo" && place.revision !== undefined) throw new DictlearnError("USAGE", `demo: expected no revision, since it is the bundled demo, got ${JSON.stringify(place.revision)}`, "leave it out");
  return openFolder(name === "demo" ? fileURLToPath((await import("@dictlearn/demo")).demo.model) : name, { ...place, what: "a model", type: "model" });
}
