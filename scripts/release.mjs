// pnpm release: publishes what `changeset version` numbered. Where the code lives is what the workflow says, since npm checks
// it against the workflow that publishes (provenance).
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const { GITHUB_REPOSITORY: repository, GITHUB_SERVER_URL: server = "https://github.com" } = process.env;

if (repository !== undefined)
  for (const parent of ["packages", "apps"])
    for (const name of readdirSync(join(root, parent))) {
      const directory = `${parent}/${name}`;
      const path = join(root, directory, "package.json");
      const manifest = JSON.parse(readFileSync(path, "utf8"));
      writeFileSync(path, `${JSON.stringify({ ...manifest, repository: { type: "git", url: `git+${server}/${repository}.git`, directory } }, null, 2)}\n`);
    }

for (const [script, ...args] of [["build.mjs"], ["../node_modules/@changesets/cli/bin.js", "publish"]]) {
  const { status } = spawnSync(process.execPath, [join(root, "scripts", script), ...args], { cwd: root, stdio: "inherit" });
  if (status !== 0) process.exit(status ?? 1);
}
