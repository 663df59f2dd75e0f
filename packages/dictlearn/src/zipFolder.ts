import { readFile } from "node:fs/promises";
import { type Hub, HubError, type RepoRef } from "@dictlearn/hub";
import { type Folder } from "./folder.js";

/**
 * A zip in a repository of the Hub, of which single entries are fetched and cached. An entry may be named by the end of
 * its path, where no other ends so: `10_32768/ae.pt` is `dictionaries/10_32768/ae.pt`.
 */
export function zipFolder(hub: Hub, ref: RepoRef, zip: string): Folder {
  /** The path of an entry here; undefined if there is none such. If it is the zip that is missing, `local` says so. */
  async function find(path: string): Promise<string | undefined> {
    try {
      return await hub.zipEntry(ref, zip, path);
    } catch (error) {
      if (error instanceof HubError && error.code === "NOT_FOUND") return undefined;
      throw error;
    }
  }
  return {
    name: `${ref.repo}${ref.revision === undefined ? "" : `@${ref.revision}`}/${zip}!`,
    has: async (path) => (await find(path)) !== undefined,
    async text(path) {
      const found = await find(path);
      return found === undefined ? undefined : readFile(found, "utf8");
    },
    local: (path) => hub.zipEntry(ref, zip, path),
  };
}
