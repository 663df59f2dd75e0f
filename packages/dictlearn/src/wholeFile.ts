import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes a file whole or not at all, also after a loss of power: beside, synced and renamed. */
export async function writeWhole(path: string, pieces: Iterable<string | Uint8Array>): Promise<void> {
  const beside = `${path}.part`;
  const file = await open(beside, "w");
  try {
    for (const piece of pieces) await file.writeFile(piece); // goes on where the last one ended
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(beside, path);
  await syncFolder(dirname(path));
}

/** Makes renames last. Windows has no such thing for folders. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path);
  await folder.sync().finally(() => folder.close());
}
