import { stat } from "node:fs/promises";
import { type Hub, hubEnvironment, openHub } from "@dictlearn/hub";
import { DictlearnError } from "./error.js";
import { type OpenFolder } from "./folder.js";
import { hubFolder } from "./hubFolder.js";
import { localFolder } from "./localFolder.js";

/** Where names of the Hub are looked up. */
export interface HubOption {
  /** Default: a hub opened on the environment (HF_HOME, HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE), as Python's libraries do. */
  hub?: Hub;
}

let ownHub: Hub | undefined;

/** The one place where this package reads the environment: who sets HF_TOKEN expects it to count in a script as well. */
export function defaultHub(): Hub {
  return (ownHub ??= openHub(hubEnvironment(process.env)));
}

/** `owner/name`, which may also be a path here. */
export const isHubName = (name: string) => /^\w[\w.-]*\/\w[\w.-]*$/.test(name);

/**
 * The folder that a name means: what lies on this machine, else a repository of the Hub.
 * @param what a model, a data set: for messages
 * @throws NOT_FOUND where it can be neither, USAGE for a revision of a folder
 */
export async function openFolder(name: string, { what, type, revision, hub, keep }: HubOption & { what: string; type: "model" | "dataset"; revision?: string; keep?: boolean }): Promise<OpenFolder> {
  const found = await stat(name).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (found?.isDirectory() && revision !== undefined)
    throw new DictlearnError("USAGE", `${name}: expected no revision, since it is a folder on this machine, got ${JSON.stringify(revision)}`, "leave it out, or give the folder of that revision");
  if (found?.isDirectory()) return localFolder(name);
  if (found) throw new DictlearnError("NOT_FOUND", `${name}: expected ${what}'s folder, got a file`, "give the folder that it lies in");
  if (isHubName(name)) return hubFolder(hub ?? defaultHub(), { type, repo: name, revision }, { keep });
  throw new DictlearnError("NOT_FOUND", `${name}: expected ${what}'s folder, its name on the Hugging Face Hub (owner/name) or "demo", got no such folder`);
}
