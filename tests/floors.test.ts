import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, expect, test } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "floors-"));
afterEach(() => ["packages", "apps"].forEach((parent) => rmSync(join(folder, parent), { recursive: true, force: true })));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the project's lint says of these files, by file: `{ "packages/sae/src/a.ts": ["import(no-nodejs-modules)"] }`. */
function lint(files: Record<string, string>): Record<string, string[]> {
  copyFileSync(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const oxlint = join(dirname(createRequire(import.meta.url).resolve("oxlint/package.json")), "bin/oxlint");
  const found: Record<string, string[]> = Object.fromEntries(Object.keys(files).map((path) => [path, []]));
  for (const { filename, code } of JSON.parse(output(oxlint)).diagnostics) found[filename].push(code);
  return found;
}

function output(oxlint: string): string {
  try {
    return execFileSync(process.execPath, [oxlint, "-f", "json", "."], { cwd: folder, encoding: "utf8" });
  } catch (error) {
    return (error as { stdout: string }).stdout; // exit 1: it found something
  }
}

const restricted = "eslint(no-restricted-imports)";
const node = "import(no-nodejs-modules)";
const from = (name: string) => `export * from ${JSON.stringify(name)};\n`;

const names = (parent: string) =>
  readdirSync(join(root, parent)).flatMap((name) => {
    try {
      return [{ path: `${parent}/${name}`, name: JSON.parse(readFileSync(join(root, parent, name, "package.json"), "utf8")).name as string }];
    } catch {
      return []; // not a package
    }
  });
const packages = names("packages");
const apps = names("apps");

/** Of ours, what each folder may import. The map of the house. */
const floors: Record<string, readonly string[]> = {
  ...Object.fromEntries(["kernels", "checkpoint", "corpus", "hub", "report", "demo", "command"].map((leaf) => [`packages/${leaf}`, []])),
  ...Object.fromEntries(["neox", "activations", "sae", "testing"].map((middle) => [`packages/${middle}`, ["@dictlearn/kernels"]])),
  "packages/dictlearn": ["kernels", "checkpoint", "corpus", "hub", "report", "demo", "neox", "activations", "sae"].map((p) => `@dictlearn/${p}`),
};
for (const app of apps)
  floors[app.path] = packages.map(({ name }) => name).filter((name) => name !== "@dictlearn/testing");
floors["apps/cli"] = [...floors["apps/cli"], "@dictlearn/train", "@dictlearn/sparse-rep"]; // they are its commands

test("every package stands on a floor", () => {
  expect(packages.map(({ path }) => path).filter((path) => !(path in floors))).toEqual([]);
});

test("the lint lets arrows point down only, between every two packages of ours", () => {
  const ours = [...packages, ...apps];
  const files: Record<string, string> = {};
  const expected: Record<string, string[]> = {};
  for (const { path, name } of ours)
    for (const other of ours.filter((other) => other.name !== name)) {
      const file = `${path}/src/${other.name.replace("/", "-")}.ts`;
      files[file] = from(other.name);
      expected[file] = floors[path].includes(other.name) ? [] : [restricted];
    }
  expect(lint(files)).toEqual(expected);
});

test("every way to import is seen: types, deferred, by path, by a deeper entry", () => {
  const files = {
    "packages/sae/src/type.ts": `import type { A } from "@dictlearn/neox";\nexport type B = A;\n`,
    "packages/sae/src/deferred.ts": `export const neox = import("@dictlearn/neox");\n`,
    "packages/sae/src/path.ts": from("../../neox/src/model.js"),
    "packages/sae/src/deeper.ts": from("@dictlearn/kernels/node"),
    "packages/checkpoint/src/deeper.ts": from("dictlearn/model"),
  };
  expect(lint(files)).toMatchObject(Object.fromEntries(Object.keys(files).map((file) => [file, [restricted]])));
});

test.each(["kernels", "neox", "activations", "sae", "report"])("%s imports nothing of Node's", (name) => {
  const files = {
    [`packages/${name}/src/prefixed.ts`]: from("node:fs"),
    [`packages/${name}/src/bare.ts`]: from("path"),
    [`packages/${name}/src/sub.ts`]: from("fs/promises"),
    [`packages/${name}/src/deep/deferred.ts`]: `export const os = await import("node:os");\n`,
  };
  expect(lint(files)).toMatchObject(Object.fromEntries(Object.keys(files).map((file) => [file, [node]])));
});

test("Node is allowed behind kernels' /node, in build scripts and in tests; tests also import @dictlearn/testing", () => {
  const files = {
    "packages/kernels/src/node.ts": from("node:fs"),
    "packages/kernels/src/node/worker.ts": from("node:worker_threads"),
    "packages/kernels/build-wasm.mjs": from("node:fs"),
    "packages/kernels/src/a.test.ts": from("node:fs") + from("@dictlearn/testing"),
    "packages/hub/src/a.ts": from("node:fs"),
    "packages/sae/src/a.ts": from("@dictlearn/kernels"),
  };
  expect(lint(files)).toMatchObject(Object.fromEntries(Object.keys(files).map((file) => [file, []])));
});

test("any, and what is plainly wrong, is an error", () => {
  const files = {
    "packages/hub/src/any.ts": `export const x: any = 1;\n`,
    "packages/hub/src/wrong.ts": `export const missing = (x: number) => x === NaN;\n`,
    "packages/hub/src/focused.test.ts": `import { expect, test } from "vitest";\ntest.only("one", () => expect(1).toBe(1));\n`,
  };
  const found = lint(files);
  for (const file of Object.keys(files)) expect(found[file], file).toHaveLength(1);
});
