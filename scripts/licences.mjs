// pnpm licences: the licences of everything that an install of our packages brings, into docs/licences.md.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const pnpm = join(dirname(createRequire(import.meta.url).resolve("pnpm")), "bin/pnpm.cjs");

/** Names of packages by licence, as what is installed says: `{ MIT: ["zod"] }`. */
export function licences() {
  const filters = ["./packages/*", "!@dictlearn/testing", "./apps/*"].flatMap((filter) => ["--filter", filter]);
  const listed = JSON.parse(execFileSync(process.execPath, [pnpm, ...filters, "licenses", "list", "--prod", "--json"], { cwd: root, encoding: "utf8" }));
  return Object.fromEntries(Object.entries(listed).map(([licence, packages]) => [licence, [...new Set(packages.map(({ name }) => name))].sort()]));
}

/** The page; a scope with more than ten packages of one licence is one entry. */
export function licencesPage(byLicence) {
  const rows = Object.entries(byLicence)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([licence, names]) => `| ${licence} | ${names.length} | ${folded(names).join(", ")} |`);
  return `# Licences

Ours is MIT. What an install of our packages brings, optional parts included, is under these (\`pnpm licences\` writes this page):

| licence | packages | which |
|---|---|---|
${rows.join("\n")}
`;
}

function folded(names) {
  const scopes = new Map(names.map((name) => [scopeOf(name), []]));
  for (const name of names) scopes.get(scopeOf(name)).push(name);
  return [...scopes].flatMap(([scope, members]) => (scope && members.length > 10 ? [`\`${scope}/*\` (${members.length})`] : members.map((name) => `\`${name}\``)));
}

const scopeOf = (name) => (name.startsWith("@") ? name.split("/")[0] : "");

if (import.meta.url === pathToFileURL(process.argv[1]).href) writeFileSync(join(root, "docs/licences.md"), licencesPage(licences()));
