import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Makes a folder with those above it that are not there. Node's own `recursive` never ends where a file system has no place
 * for new folders and says ENOENT, as /proc does.
 * @returns the first of those that were made; undefined if it was there
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  const folder = resolve(path);
  const make = () =>
    mkdir(folder).then(
      () => folder,
      async (error: NodeJS.ErrnoException) => {
        if (error.code === "EEXIST" && (await stat(folder)).isDirectory()) return undefined;
        throw error;
      },
    );
  try {
    return await make();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || dirname(folder) === folder) throw error;
    const above = await makeFolder(dirname(folder));
    const made = await make();
    return above ?? made;
  }
}
