import { readFile } from "node:fs/promises";
import { type Hub, HubError, type RepoRef } from "@dictlearn/hub";
import { type Folder } from "./folder.js";

/**
 * A zip in a repository of the Hub, of which single entries are fetched and cached. An entry may be named by the end of
 * its path, where no other ends so: `10_32768/ae.pt` is `dictionaries/10_32768/ae.pt`.
 */
export function zipFolder(hub: Hub, ref: RepoRef, zip: string): Folder {
  return {
    name: `${ref.repo}${ref.revision === undefined ? "" : `@${ref.revision}`}/${zip}!`,
    async text(path) {
      try {
        return await readFile(await hub.zipEntry(ref, zip, path), "utf8");
      } catch (error) {
        if (error instanceof HubError && error.code === "NOT_FOUND") return undefined; // if it is the zip that is missing, `local` says so
        throw error;
      }
    },
    local: (path) => hub.zipEntry(ref, zip, path),
  };
}
