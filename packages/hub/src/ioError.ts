import { HubError } from "./hubError.js";

const meanings: Record<string, [got: string, remedy: string]> = {
  ENOSPC: ["a full disk", "free some room, or set HF_HOME to a folder on another disk"],
  EDQUOT: ["a used-up quota", "free some room, or set HF_HOME to a folder on another disk"],
  EFBIG: ["a limit on the size of files", "set HF_HOME to a folder on another disk"],
  EROFS: ["a read-only disk", "set HF_HOME to a folder that can be written"],
  EACCES: ["no permission", "set HF_HOME to a folder that can be written"],
  EPERM: ["no permission", "set HF_HOME to a folder that can be written"],
  ENOTDIR: ["a file where a folder is needed", "set HF_HOME to a folder"],
  ENAMETOOLONG: ["a name that is too long for the disk", "set HF_HOME to a shorter path"],
};

/** What the disk said, as an error of this package; anything else as it is. */
export function ioError(error: unknown, cache: string): unknown {
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (error instanceof HubError || code === undefined || syscall === undefined) return error;
  const [got, remedy] = meanings[code] ?? [code, "set HF_HOME to another folder if it stays"];
  return new HubError("IO", `${path ?? cache}: expected to read and write the cache, got ${got} (${code})`, remedy, { cause: error });
}
