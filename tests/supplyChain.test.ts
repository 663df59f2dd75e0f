import { execFileSync } from "node:child_process";
import { cpSync, existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { licences, licencesPage } from "../scripts/licences.mjs";

const root = fileURLToPath(new URL("../", import.meta.url));
const text = (path: string) => readFileSync(join(root, path), "utf8");

/** Every package of others that lies in node_modules. */
function* installedPackages(): Generator<{ name: string; folder: string; scripts: Record<string, string> }> {
  const store = join(root, "node_modules/.pnpm");
  for (const entry of readdirSync(store)) {
    const modules = join(store, entry, "node_modules");
    if (!existsSync(modules)) continue;
    const names = readdirSync(modules).flatMap((name) => (name.startsWith("@") ? readdirSync(join(modules, name)).map((inner) => `${name}/${inner}`) : [name]));
    for (const name of names) {
      const folder = join(modules, name);
      if (lstatSync(folder).isSymbolicLink() || !existsSync(join(folder, "package.json"))) continue;
      yield { name, folder, scripts: JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).scripts ?? {} };
    }
  }
}

test("packages that would run something when they are installed are those that were looked at, and the docs name them", () => {
  const found = new Set<string>();
  for (const { name, folder, scripts } of installedPackages())
    if (Object.keys(scripts).some((script) => /^(pre|post)?install$/.test(script)) || existsSync(join(folder, "binding.gyp"))) found.add(name);
  const { allowBuilds } = parse(text("pnpm-workspace.yaml")) as { allowBuilds: Record<string, boolean> };
  expect([...found].sort()).toEqual(Object.keys(allowBuilds).sort());
  const [, section] = text("docs/dependencies.md").split("## Install scripts\n");
  for (const name of found) expect(section.split("\n## ")[0]).toContain(`\`${name}\``);
});

test("the lock file pins every package of others by its hash, and none comes from elsewhere than the registry", () => {
  const { packages } = parse(text("pnpm-lock.yaml")) as { packages: Record<string, { resolution: Record<string, string> }> };
  const without = Object.entries(packages).filter(([, { resolution }]) => !resolution.integrity?.startsWith("sha512-") || Object.keys(resolution).length !== 1);
  expect(without.map(([name]) => name)).toEqual([]);
});

test("licences are ones that ask for no more than to be named, and the docs list them", () => {
  const byLicence = licences();
  const known = ["MIT", "ISC", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "BlueOak-1.0.0", "Unlicense", "CC0-1.0", "(MIT OR CC0-1.0)"];
  expect(Object.keys(byLicence).filter((licence) => !known.includes(licence))).toEqual([]);
  expect(text("docs/licences.md"), "pnpm licences writes it").toBe(licencesPage(byLicence));
});

test("a release numbers every package that is published, all alike, and no other", () => {
  const copy = mkdtempSync(join(tmpdir(), "release-"));
  try {
    const folders = ["examples", "bench", "faults", ...["packages", "apps"].flatMap((parent) => readdirSync(join(root, parent)).map((name) => `${parent}/${name}`))];
    for (const path of [".changeset", "pnpm-workspace.yaml", "package.json", "pnpm-lock.yaml", ...folders.map((folder) => `${folder}/package.json`)]) cpSync(join(root, path), join(copy, path), { recursive: true });
    const manifests = () => folders.map((folder) => JSON.parse(readFileSync(join(copy, folder, "package.json"), "utf8")) as { name: string; version?: string; private?: boolean });
    const before = manifests();
    const bin = join(dirname(createRequire(import.meta.url).resolve("@changesets/cli/package.json")), "bin.js");
    execFileSync(process.execPath, [bin, "version"], { cwd: copy, stdio: "pipe" });

    const numbered = manifests().filter(({ version }, i) => version !== before[i].version);
    expect(numbered.map(({ name }) => name)).toEqual(before.filter((one) => !one.private).map(({ name }) => name));
    expect(new Set(numbered.map(({ version }) => version)).size).toBe(1);
    expect(readdirSync(join(copy, ".changeset")).filter((file) => file.endsWith(".md"))).toEqual([]); // all were taken
  } finally {
    rmSync(copy, { recursive: true });
  }
});
