import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { extract } from "tar";
import { launchChromium } from "@dictlearn/testing";
import type { Browser } from "playwright-core";
import { rolldown } from "rolldown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const pnpm = join(dirname(createRequire(import.meta.url).resolve("pnpm")), "bin/pnpm.cjs");
const temporary = mkdtempSync(join(tmpdir(), "packed-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

interface Manifest {
  name: string;
  private?: boolean;
  bin?: Record<string, string>;
  exports?: Record<string, { types: string; default: string }>;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}
interface Packed {
  /** Where the sources are. */
  folder: string;
  manifest: Manifest;
  /** What is in the tarball. */
  paths: string[];
  /** Where it is installed. */
  installed: string;
}

const manifestIn = (folder: string): Manifest => JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const sources = ["packages", "apps"]
  .flatMap((parent) => readdirSync(join(root, parent)).map((name) => join(root, parent, name)))
  .filter((folder) => existsSync(join(folder, "package.json")) && !manifestIn(folder).private);
const names = sources.map((folder) => manifestIn(folder).name);
let packages: Packed[];

/** A folder where each package can import what it declares, and nothing else: no network, no hoisting. */
beforeAll(() => {
  const tarballs = join(temporary, "tarballs");
  const filters = sources.map((folder) => `--filter=./${folder.slice(root.length)}`);
  const packed: { name: string; filename: string }[] = JSON.parse(execFileSync(process.execPath, [pnpm, "-r", ...filters, "pack", "--pack-destination", tarballs, "--json"], { cwd: root, encoding: "utf8" }));
  packages = sources.map((folder) => {
    const { filename } = packed.find(({ name }) => name === manifestIn(folder).name)!;
    const installed = placeOf(manifestIn(folder).name);
    mkdirSync(installed, { recursive: true });
    extract({ file: filename, cwd: installed, strip: 1, sync: true });
    const paths = readdirSync(installed, { recursive: true, withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [relative(installed, join(entry.parentPath, entry.name))] : []));
    return { folder, manifest: manifestIn(installed), paths, installed };
  });
  for (const { folder, manifest, installed } of packages) {
    const modules = manifest.name.startsWith("@") ? dirname(dirname(installed)) : dirname(installed);
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) link(names.includes(name) ? placeOf(name) : realpathSync(join(folder, "node_modules", name)), join(modules, name));
    link(installed, join(temporary, "node_modules", manifest.name));
  }
});

const placeOf = (name: string) => join(temporary, "store", name.replace("/", "+"), "node_modules", name);

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  if (!existsSync(path)) symlinkSync(target, path, "dir");
}

describe.each(names)("%s", (name) => {
  const of = () => packages.find(({ manifest }) => manifest.name === name)!;

  test("carries what it should: its build, its licence, its page, and no file whose source is gone", () => {
    const { folder, paths } = of();
    expect(paths).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json"]));
    const { files = [] } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { files?: string[] };
    for (const path of paths) {
      if (["LICENSE", "README.md", "package.json"].includes(path)) continue;
      expect(files.some((file) => path === file || path.startsWith(`${file}/`)), path).toBe(true);
      expect(path).not.toMatch(/\.test\.|\.as\.|tsbuildinfo|(^|\/)\.|node_modules/);
      const [, built] = path.match(/^dist\/(.+)\.js\.map$/) ?? []; // bundles have none
      if (built !== undefined) expect(existsSync(join(folder, "src", `${built}.ts`)), `${path} has a source`).toBe(true);
    }
  });

  test("asks for versions of ours that will be published beside it, and runs nothing when it is installed", () => {
    const { manifest } = of();
    for (const [dependency, range] of Object.entries({ ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies })) {
      expect(range).not.toMatch(/workspace:|file:|link:|git|http/);
      if (dependency.startsWith("@dictlearn/") || dependency === "dictlearn") expect(names).toContain(dependency);
    }
    const { scripts = {} } = JSON.parse(readFileSync(join(of().installed, "package.json"), "utf8")) as { scripts?: Record<string, string> };
    expect(Object.keys(scripts).filter((script) => /^(pre|post)?(install|prepare|publish)/.test(script))).toEqual([]);
  });

  test("what a module starts as a thread lies beside it, in bundles too", () => {
    const { paths, installed } = of();
    for (const path of paths.filter((path) => path.endsWith(".js")))
      for (const [, thread] of readFileSync(join(installed, path), "utf8").matchAll(/new URL\("(\.\/[\w.-]+\.js)", import\.meta\.url\)/g)) expect(existsSync(join(installed, dirname(path), thread)), `${path} starts ${thread}`).toBe(true);
  });

  test("every entry is there, with its types", () => {
    const { manifest, installed } = of();
    const entries = [...Object.values(manifest.exports ?? {}).flatMap((entry) => [entry.types, entry.default]), ...Object.values(manifest.bin ?? {})];
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) expect(existsSync(join(installed, entry)), entry).toBe(true);
  });
});

/** Runs a module in the empty project. */
function inProject(script: string): string {
  writeFileSync(join(temporary, "script.mjs"), script);
  return execFileSync(process.execPath, [join(temporary, "script.mjs")], { cwd: temporary, encoding: "utf8", env: { ...process.env, NODE_OPTIONS: "", HF_HOME: join(temporary, "hub") } });
}

test("installed into an empty project, every entry is imported with what it declares alone", () => {
  const entries = packages.flatMap(({ manifest }) => Object.keys(manifest.exports ?? {}).map((entry) => `${manifest.name}${entry.slice(1)}`));
  const exported = JSON.parse(inProject(`const counts = {}; for (const entry of ${JSON.stringify(entries)}) counts[entry] = Object.keys(await import(entry)).length; console.log(JSON.stringify(counts));`));
  expect(Object.keys(exported)).toEqual(entries);
  for (const entry of entries) expect(exported[entry], entry).toBeGreaterThan(0);
});

test("installed into an empty project, the commands run", () => {
  for (const { manifest, installed } of packages)
    for (const [name, path] of Object.entries(manifest.bin ?? {})) {
      const help = execFileSync(process.execPath, [join(installed, path), "--help"], { cwd: temporary, encoding: "utf8" });
      expect(help).toMatch(new RegExp(`^Usage: ${name} `));
    }
});

test("installed into an empty project, it does its work: a sentence of the demo becomes features", () => {
  const script = `
    import { openDevice } from "@dictlearn/kernels/node";
    import { analyse, openDictionary, openModel } from "dictlearn";
    const device = await openDevice({ backend: "cpu", threads: 1, engine: "wasm" });
    const [model, dictionary] = await Promise.all([openModel("demo", { device }), openDictionary("demo", { device })]);
    for await (const { sparse } of analyse(model, dictionary, ["Peace begins at home."], { site: "layers.3.mlp_out", pooling: "last" })) console.log(sparse.l0);
    process.exit(0);`;
  expect(Number(inProject(script))).toBeGreaterThan(0);
});

const browser = await launchChromium();
afterAll(async () => void (typeof browser === "string" || (await browser.close())));

test.skipIf(typeof browser === "string")(`bundled into a page, the packages that run there do their work${typeof browser === "string" ? ` (${browser})` : ""}`, async () => {
  const { bundle, unresolved } = await bundled(`
    import { gelu, linear, openDevice } from "@dictlearn/kernels";
    import * as activations from "@dictlearn/activations";
    import * as checkpoint from "@dictlearn/checkpoint";
    import * as neox from "@dictlearn/neox";
    import * as report from "@dictlearn/report";
    import * as html from "@dictlearn/report/html";
    import * as sae from "@dictlearn/sae";
    globalThis.work = async () => {
      const device = await openDevice({ backend: "cpu" });
      const x = device.tensor(new Float32Array([1, -2, 3, 4]), [2, 2]);
      const read = [...await linear(gelu(x), x).read()];
      return { read, exported: [activations, checkpoint, neox, report, html, sae].map((names) => Object.keys(names).length) };
    };`);
  expect(unresolved).toEqual([]);

  const page = await (browser as Browser).newPage();
  await page.addScriptTag({ type: "module", content: bundle }); // a module runs when it likes
  await page.waitForFunction(() => "work" in globalThis);
  const { read, exported } = await page.evaluate(() => (globalThis as unknown as { work(): Promise<{ read: number[]; exported: number[] }> }).work());
  expect(exported.every((count) => count > 0)).toBe(true);
  const [a, b, c, d] = [0.8413447, -0.0455003, 2.9959502, 3.9998734]; // gelu of 1, -2, 3, 4
  [a * 1 + b * -2, a * 3 + b * 4, c * 1 + d * -2, c * 3 + d * 4].forEach((value, i) => expect(read[i]).toBeCloseTo(value, 5));
});

/** A module of the empty project with all that it imports, as one text for a page. */
async function bundled(entry: string): Promise<{ bundle: string; unresolved: string[] }> {
  writeFileSync(join(temporary, "page.mjs"), entry);
  const built = await rolldown({ input: join(temporary, "page.mjs"), cwd: temporary, platform: "browser", logLevel: "silent" });
  const { output } = await built.generate({ format: "esm", codeSplitting: false });
  await built.close();
  const [{ code, imports, dynamicImports, fileName }] = output; // what is imported when it is wanted is in the same file
  return { bundle: code, unresolved: [...imports, ...dynamicImports].filter((name) => name !== fileName) };
}
