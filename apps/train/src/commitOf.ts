import { existsSync } from "node:fs";
import { type Hub, HubError, type RepoRef } from "@dictlearn/hub";

/**
 * The commit that a branch or tag of a repository is at, by where the cache puts a small file of it; undefined for what lies
 * on this machine, and for a repository without that file. A hub looks a branch up once, so this is the commit it reads.
 */
export async function commitOf(hub: Hub, ref: RepoRef, file: string): Promise<string | undefined> {
  if (ref.repo === "demo" || existsSync(ref.repo)) return undefined;
  const path = await hub.file(ref, file).catch((error) => {
    if (error instanceof HubError) return undefined; // whoever needs the repository is told what is wrong with it
    throw error;
  });
  return path === undefined ? undefined : /[\\/]snapshots[\\/]([0-9a-f]{40})[\\/]/.exec(path)?.[1];
}
