import { relative } from "node:path";

/** A path as a person would write it where they stand: relative, unless it leads out of there. */
export function shownPath(path: string): string {
  const near = relative("", path);
  return near === "" ? "." : near.startsWith("..") ? path : near;
}
