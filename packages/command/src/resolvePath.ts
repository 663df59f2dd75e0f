import { resolve } from "node:path";

/**
 * An absolute path, relative to where the person stands: a package manager starts a script in the package's folder and
 * keeps theirs in INIT_CWD.
 */
export function resolvePath(path: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}
