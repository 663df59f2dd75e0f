import { getSystemErrorMap, inspect } from "node:util";
import { escapeControls } from "./escapeControls.js";

/** The codes of our packages' errors: a person's mistake or bad luck, told in one line. */
const told = new Set(["SHAPE", "FORMAT", "NOT_FOUND", "NETWORK", "UNSUPPORTED", "DISPOSED", "IO", "USAGE"]);

/** What the operating system refuses for reasons that lie outside of the program. */
const refused = new Set(
  "ENOENT EACCES EPERM EISDIR ENOTDIR EEXIST ENOTEMPTY ENOSPC EDQUOT EROFS EFBIG EIO EBUSY EMFILE ENFILE ENOMEM ELOOP ENAMETOOLONG".split(" "),
);

/** One line and exit code 1 for a mistake, the stack and 70 (EX_SOFTWARE) for a bug of ours. `debug` adds the stack. */
export function errorReport(error: unknown, { debug }: { debug: boolean }): { text: string; exitCode: number } {
  const line = lineOf(error);
  if (line === undefined) return { text: `internal error, please report it: ${stackOf(error)}`, exitCode: 70 };
  return { text: debug ? `${line}\n${stackOf(error)}` : line, exitCode: 1 };
}

function lineOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, remedy, path, dest, syscall, errno } = error as NodeJS.ErrnoException & { remedy?: string; dest?: string };
  if (code === undefined) return undefined;
  if (told.has(code)) return escapeControls(remedy ? `${error.message} — ${remedy}` : error.message);
  if (!refused.has(code)) return undefined;
  const subject = [path, dest].filter(Boolean).join(" → ") || syscall || "file system";
  return escapeControls(`${subject}: ${getSystemErrorMap().get(errno ?? 0)?.[1] ?? error.message}`);
}

/** The stack with its causes; lines stay lines, other control characters are escaped. */
function stackOf(error: unknown): string {
  return inspect(error).split("\n").map(escapeControls).join("\n");
}
