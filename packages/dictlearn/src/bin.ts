import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

// `npx dictlearn` runs the bin of the package of that name, which is this library; the commands are in an app that depends
// on it, so it can't depend on that. Where the app is installed it is run, else npm fetches the app of the same version.

const app = "@dictlearn/cli";
const require = createRequire(import.meta.url);
const { version } = require("../package.json") as { version: string };

/** Tells a second handing over, which would never end. */
const handed = "DICTLEARN_HANDED_OVER";

const program = installed();
if (program !== undefined) await import(pathToFileURL(program).href);
else if (process.env[handed] === undefined) await handOver();
else fail(`expected ${app} to be installed by npm, got none`);

/** The app's program, beside this package or where the person stands. */
function installed(): string | undefined {
  for (const from of [require, createRequire(join(process.cwd(), "package.json"))]) {
    try {
      const path = from.resolve(`${app}/package.json`);
      const { bin } = JSON.parse(readFileSync(path, "utf8")) as { bin: { dictlearn: string } };
      return join(dirname(path), bin.dictlearn);
    } catch {
      // not there
    }
  }
  return undefined;
}

/** Ends as the app ends. */
async function handOver(): Promise<void> {
  process.stderr.write(`dictlearn: the commands are in ${app}, which npm takes from its cache or fetches (npm install --global ${app} keeps it)\n`);
  const args = ["exec", "--yes", `${app}@${version}`, "--", ...process.argv.slice(2)];
  const npm = npmProgram();
  const [program, words] = npm === undefined ? ["npm", args] : [process.execPath, [npm, ...args]];
  const child = spawn(program, words, { stdio: "inherit", env: { ...process.env, [handed]: version } });
  process.on("SIGINT", () => {}); // Ctrl-C reaches the app itself, which may save first
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  child.on("error", ({ message }) => fail(`expected npm to fetch ${app}, got ${message}`));
  child.on("close", (code, signal) => process.exit(code ?? (signal === "SIGINT" ? 130 : 143)));
}

/** npm's own program: what runs this, or what came with Node. A script of that name can't be started without a shell on Windows. */
function npmProgram(): string | undefined {
  const node = dirname(process.execPath);
  const near = [process.env.npm_execpath?.replace(/npx-cli\.js$/, "npm-cli.js") ?? "", ...["node_modules", "../lib/node_modules"].map((folder) => join(node, folder, "npm/bin/npm-cli.js"))];
  return near.find((path) => path.endsWith("npm-cli.js") && existsSync(path));
}

function fail(what: string): void {
  process.stderr.write(`dictlearn: ${what} — npm install --global ${app}\n`);
  process.exit(1);
}
