import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, join, resolve } from "node:path";
import { Script } from "node:vm";
import { isMainThread } from "node:worker_threads";
import { crc32 } from "node:zlib";

// Half of what a program takes to start is compiling it. Python keeps compiled code beside its sources; Node 22 can, under the
// names of the environment that are heeded here, but Node 20 can't, and neither does of itself.

const day = 86_400_000; // ms
const longest = 60 * day;
/** Two checksums stand before the code: of the source, and of the code itself, which V8 takes on trust. */
const head = 8;

const loaded = new Map<string, { exports: unknown }>();
/** What was compiled anew. */
const fresh: { path: string; source: Buffer; script: Script }[] = [];

/** Where compiled code is kept, if anywhere: as things stand at the start, since a program may go elsewhere. */
const folder = keptIn();

function keptIn(): string | undefined {
  const { NODE_DISABLE_COMPILE_CACHE, NODE_COMPILE_CACHE, XDG_CACHE_HOME } = process.env;
  if (NODE_DISABLE_COMPILE_CACHE) return undefined;
  if (NODE_COMPILE_CACHE) return resolve(NODE_COMPILE_CACHE, "dictlearn");
  try {
    const cache = XDG_CACHE_HOME && isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : join(homedir(), ".cache");
    return isAbsolute(cache) ? join(cache, "dictlearn", "compiled") : undefined;
  } catch {
    return undefined; // nobody's home
  }
}

/** `import` in the module that has it: what is imported by it is found from there. */
export type Import = (name: string) => Promise<unknown>;

/**
 * What a CommonJS file exports, compiled from what V8 kept of it at the end of a process before, if it is still the same. Files
 * beside it that it requires as `./name.cjs` are loaded in the same way; for `import(…)` it has a function `importHere`. Kept in `~/.cache/dictlearn/compiled` (XDG_CACHE_HOME);
 * NODE_COMPILE_CACHE names another folder, and NODE_DISABLE_COMPILE_CACHE=1 keeps nothing.
 * @param path absolute
 */
export function loadCompiled(path: string, importHere: Import): unknown {
  const known = loaded.get(path);
  if (known) return known.exports;
  const source = readFileSync(path);
  const cachedData = kept(path, source);
  const wrapped = `(function (exports, require, module, __filename, __dirname, importHere) { ${source.toString()}\n})`;
  const script = new Script(wrapped, { filename: path, ...(cachedData && { cachedData }) });
  if ((!cachedData || script.cachedDataRejected) && folder !== undefined && isMainThread) {
    if (fresh.length === 0) process.on("exit", () => keep(folder!));
    fresh.push({ path, source, script });
  }
  const module = { exports: {} as unknown };
  loaded.set(path, module);
  const require = createRequire(path);
  const own = Object.assign((name: string): unknown => (/^\.\/[^/]+\.cjs$/.test(name) ? loadCompiled(join(dirname(path), name), importHere) : require(name)), require);
  (script.runInThisContext() as (...given: unknown[]) => void)(module.exports, own, module, path, dirname(path), importHere);
  return module.exports;
}

const placeOf = (path: string, within: string) => join(within, `${basename(path, ".cjs")}-${process.version}-${process.arch}-${crc32(path).toString(16)}.bin`);

function kept(path: string, source: Buffer): Buffer | undefined {
  if (folder === undefined) return undefined;
  try {
    const place = placeOf(path, folder);
    const { uid, mode } = statSync(place);
    if (process.getuid && (uid !== process.getuid() || mode & 0o022)) return undefined; // another could have written it
    const bytes = readFileSync(place);
    const code = bytes.subarray(head);
    return bytes.readUInt32LE(0) === crc32(source) && bytes.readUInt32LE(4) === crc32(code) ? code : undefined;
  } catch {
    return undefined; // not there, or cut off
  }
}

/** Level by level: of a folder that can't be there (in /proc) Node's recursive mkdir never ends. (The hub's does so too, but not within the end of a process.) */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** At the end of the process, when what was needed of it is compiled. Nothing depends on it, so where it can't be written it is not. */
function keep(within: string): void {
  try {
    makeFolder(within);
    for (const { path, source, script } of fresh) {
      const code = script.createCachedData();
      const sums = Buffer.alloc(head);
      sums.writeUInt32LE(crc32(source), 0);
      sums.writeUInt32LE(crc32(code), 4);
      const place = placeOf(path, within);
      const part = `${place}.${process.pid}.part`;
      try {
        writeFileSync(part, Buffer.concat([sums, code]), { mode: 0o600 });
        renameSync(part, place);
      } finally {
        rmSync(part, { force: true }); // of a full disk
      }
    }
    for (const name of readdirSync(within)) if (Date.now() - statSync(join(within, name)).mtimeMs > longest) rmSync(join(within, name)); // of programs that are gone
  } catch {
    // next time
  }
}
