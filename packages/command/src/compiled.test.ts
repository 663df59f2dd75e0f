import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const module = new URL("../dist/compiled.js", import.meta.url).href;

let folder: string;
let kept: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "compiled-"));
  kept = join(folder, "cache/dictlearn");
  write("main.cjs", '"use strict"; const part = require("./part.cjs"); exports.said = part.said; importHere("./more.mjs").then(({ more }) => console.log(part.said, more, require("node:path").sep, __filename));');
  write("part.cjs", '"use strict"; exports.said = "one";');
  write("start.mjs", `import { loadCompiled } from ${JSON.stringify(module)}; loadCompiled(${JSON.stringify(join(folder, "main.cjs"))}, (name) => import(name));`);
  write("more.mjs", 'export const more = "more";');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
const files = () => (existsSync(kept) ? readdirSync(kept).sort() : []);
/** All that is kept, byte by byte, and when it was written. */
const state = () => files().map((name) => [name, readFileSync(join(kept, name)).toString("hex"), statSync(join(kept, name)).mtimeMs]);

function run(environment: Record<string, string> = { NODE_COMPILE_CACHE: join(folder, "cache") }, args = [join(folder, "start.mjs")]): string {
  const { PATH = "" } = process.env;
  const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 60_000, env: { PATH, ...environment } });
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}
const said = (word: string) => `${word} more / ${folder}/main.cjs\n`;

test("what was compiled is kept, for each file, and taken the next time", () => {
  expect(run()).toBe(said("one"));
  expect(files()).toEqual([expect.stringMatching(`^main-${process.version}-`), expect.stringMatching(`^part-${process.version}-`)]);
  expect(statSync(kept).mode & 0o777).toBe(0o700);
  const before = state();
  expect(run()).toBe(said("one"));
  expect(state()).toEqual(before); // what V8 refuses would be written again
});

test("a source that changed, though as long as it was, is compiled anew", () => {
  run();
  write("part.cjs", '"use strict"; exports.said = "two";');
  expect(run()).toBe(said("two"));
  expect(run()).toBe(said("two"));
});

test.each<[string, (bytes: Buffer) => Buffer]>([
  ["cut off", (bytes) => bytes.subarray(0, bytes.length / 2)],
  ["empty", () => Buffer.alloc(0)],
  ["damaged", (bytes) => Buffer.from(bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 1 : byte)))],
  ["other", (bytes) => Buffer.alloc(bytes.length, 7)],
])("what is %s there is not taken, and mended", (_, broken) => {
  run();
  const before = state().map(([name, hex]) => [name, hex]);
  for (const name of files()) writeFileSync(join(kept, name), broken(readFileSync(join(kept, name))));
  expect(run()).toBe(said("one"));
  expect(state().map(([name]) => name)).toEqual(before.map(([name]) => name));
  const mended = state();
  expect(run()).toBe(said("one"));
  expect(state()).toEqual(mended);
});

test.skipIf(process.platform === "win32")("what another could have written is not taken, and put right", () => {
  run();
  for (const name of files()) chmodSync(join(kept, name), 0o622);
  run();
  expect(files().map((name) => statSync(join(kept, name)).mode & 0o777)).toEqual([0o600, 0o600]);
});

test("nothing is kept where nothing may be, or can be", () => {
  expect(run({ NODE_DISABLE_COMPILE_CACHE: "1", NODE_COMPILE_CACHE: join(folder, "cache") })).toBe(said("one"));
  write("file", "");
  expect(run({ NODE_COMPILE_CACHE: join(folder, "file") })).toBe(said("one"));
  expect(run({ XDG_CACHE_HOME: "relative", HOME: "" })).toBe(said("one"));
  expect(existsSync("relative") || existsSync(".cache")).toBe(false);
  if (existsSync("/proc/self")) expect(run({ XDG_CACHE_HOME: "/proc" })).toBe(said("one"));
  mkdirSync(join(folder, "read-only"));
  chmodSync(join(folder, "read-only"), 0o500);
  expect(run({ XDG_CACHE_HOME: join(folder, "read-only") })).toBe(said("one"));
  expect(files()).toEqual([]);
});

test("without a word from anybody it is in the home's cache; what is old there goes", () => {
  kept = join(folder, ".cache/dictlearn/compiled");
  mkdirSync(kept, { recursive: true });
  for (const name of ["old.bin", "new.bin"]) write(`.cache/dictlearn/compiled/${name}`, "");
  utimesSync(join(kept, "old.bin"), 0, Date.now() / 1000 - 61 * 86_400);
  expect(run({ HOME: folder })).toBe(said("one"));
  expect(files()).toEqual([expect.stringMatching("^main-"), "new.bin", expect.stringMatching("^part-")]);
});

test("a relative folder is where the program was started, wherever it goes", () => {
  write("main.cjs", '"use strict"; process.chdir("/");');
  spawnSync(process.execPath, ["start.mjs"], { cwd: folder, env: { PATH: process.env.PATH ?? "", NODE_COMPILE_CACHE: "cache" } });
  expect(files()).toEqual([expect.stringMatching("^main-")]);
});

test("a thread takes what there is, and keeps nothing", () => {
  const inThread = ["-e", `new (require("node:worker_threads").Worker)(${JSON.stringify(join(folder, "start.mjs"))})`];
  expect(run(undefined, inThread)).toBe(said("one"));
  expect(files()).toEqual([]);
  run();
  const before = state();
  expect(run(undefined, inThread)).toBe(said("one"));
  expect(state()).toEqual(before);
});

test("what fails in it is told with its own file and line", () => {
  write("main.cjs", '"use strict";\n\nthrow new Error("broken");\n');
  const { PATH = "" } = process.env;
  const { stderr, status } = spawnSync(process.execPath, [join(folder, "start.mjs")], { encoding: "utf8", env: { PATH, NODE_COMPILE_CACHE: join(folder, "cache") } });
  expect(status).toBe(1);
  expect(stderr).toContain(`${folder}/main.cjs:3`);
});
