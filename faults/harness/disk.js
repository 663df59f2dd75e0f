// node --import this: a disk that fails. What is to happen stands in FAULTS_DISK, as JSON, and may change while the process runs:
// { under, log, at, what }: below the folder `under`, each operation that changes something gets a number, and a line in the file `log`;
// number `at` does not happen: `what` is the code of its error, or "kill", which ends the process there, or "tear", which does so halfway.
import { createRequire, syncBuiltinESMExports } from "node:module";
import { constants } from "node:os";
import { resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const fs = require("node:fs");
const { appendFileSync } = fs;
const { promises } = fs;
const real = { ...promises };

let said;
let plan;
let count = 0;

/** The plan, counting from the start where another is given. */
function current() {
  const { FAULTS_DISK } = process.env;
  if (FAULTS_DISK !== said) {
    said = FAULTS_DISK;
    plan = said === undefined ? undefined : JSON.parse(said);
    count = 0;
  }
  return plan;
}

/** What is to happen to an operation on a path: undefined for what goes well. */
function fate(operation, path) {
  const { under, log, at, what } = current() ?? {};
  if (under === undefined) return undefined;
  const whole = path instanceof URL ? fileURLToPath(path) : resolve(String(path));
  if (whole !== under && !whole.startsWith(under + sep)) return undefined;
  const number = count++;
  if (log) appendFileSync(log, `${operation} ${whole.slice(under.length + 1)}\n`);
  return number === at ? what : undefined;
}

function fail(code, syscall, path) {
  if (code === "kill" || code === "tear") {
    process.kill(process.pid, "SIGKILL");
    for (;;); // until it arrives
  }
  throw Object.assign(new Error(`${code}: made to fail, ${syscall}${path === undefined ? "" : ` '${path}'`}`), { errno: -constants.errno[code], code, syscall, ...(path !== undefined && { path }) });
}

const half = (data) => data.slice(0, Math.floor(data.length / 2));

const opened = new WeakMap(); // handle: its path
const changes = (flags = "r") => (typeof flags === "number" ? (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT)) !== 0 : flags !== "r");
promises.open = async (path, flags, mode) => {
  const what = changes(flags) ? fate("open", path) : undefined;
  if (what) fail(what, "open", path);
  const handle = await real.open(path, flags, mode);
  const whole = resolve(String(path));
  opened.set(handle, whole);
  const { close } = handle; // each has its own
  handle.close = async () => {
    await close.call(handle); // a close that fails closes
    const what = changes(flags) ? fate("close", whole) : undefined;
    if (what) fail(what, "close");
  };
  return handle;
};

for (const name of ["rename", "mkdir", "rm", "rmdir", "unlink", "symlink", "link", "copyFile", "chmod", "truncate", "writeFile", "appendFile"])
  promises[name] = async (...words) => {
    const path = name === "symlink" ? words[1] : words[0];
    const what = fate(name, path);
    if (what && (name === "writeFile" || name === "appendFile") && (what === "tear" || what === "ENOSPC")) await real[name](path, half(words[1]), words[2]);
    if (what) fail(what, name, path);
    return real[name](...words);
  };

const handle = await real.open(new URL(import.meta.url));
const prototype = Object.getPrototypeOf(handle);
await handle.close();
for (const name of ["write", "writeFile", "appendFile", "sync", "datasync", "truncate", "chmod"]) {
  const method = prototype[name];
  prototype[name] = async function (...words) {
    const path = opened.get(this);
    if (path === undefined) return method.apply(this, words);
    const what = fate(name, path);
    if (!what) return method.apply(this, words);
    if (name.startsWith("write") && (what === "tear" || what === "ENOSPC")) await method.call(this, half(words[0]), ...(name === "write" ? [0, undefined, words[3]] : words.slice(1)));
    fail(what, name === "sync" ? "fsync" : name);
  };
}
syncBuiltinESMExports();
