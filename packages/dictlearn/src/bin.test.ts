import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const temporary = mkdtempSync(join(tmpdir(), "dictlearn-bin-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));
const here = fileURLToPath(new URL("..", import.meta.url));
const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8")) as { version: string };

/** A folder with this package in it, as npm lays it out. */
function folderWithPackage(): string {
  const folder = mkdtempSync(join(temporary, "here-"));
  const own = join(folder, "node_modules/dictlearn");
  mkdirSync(own, { recursive: true });
  writeFileSync(join(folder, "package.json"), "{}");
  for (const name of ["package.json", "bin.js", "dist/bin.js"]) cpSync(join(here, name), join(own, name));
  return folder;
}

async function run(cwd: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(INIT_CWD|NODE_PATH|npm_|.*_proxy$)/i.test(name)));
  const child = spawn(process.execPath, [join(cwd, "node_modules/dictlearn/bin.js"), ...args], { cwd, env: { ...inherited, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = [child.stdout, child.stderr].map(async (stream) => Buffer.concat(await stream.toArray()).toString());
  const code = await new Promise((resolve, reject) => child.on("error", reject).on("close", resolve));
  return { code, stdout: await stdout, stderr: await stderr };
}

test("runs the app that is installed beside it", async () => {
  const cwd = folderWithPackage();
  mkdirSync(join(cwd, "node_modules/@dictlearn"));
  symlinkSync(join(here, "../../apps/cli"), join(cwd, "node_modules/@dictlearn/cli"));
  expect(await run(cwd, ["--help"])).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^Usage: dictlearn <command>/) });
  expect(await run(cwd, ["trian"])).toMatchObject({ code: 1, stderr: expect.stringContaining("did you mean train?") });
});

/** A registry that has one package: it prints the words that it is given, and ends with the code that it is told. */
async function registry() {
  const folder = mkdtempSync(join(temporary, "app-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "@dictlearn/cli", version, bin: { dictlearn: "main.js" } }));
  writeFileSync(join(folder, "main.js"), '#!/usr/bin/env node\nconsole.log(JSON.stringify(process.argv.slice(2)));\nprocess.exit(Number(process.argv[3]));\n');
  const packed = execFileSync("npm", ["pack", "--silent", "--pack-destination", temporary], { cwd: folder, encoding: "utf8", shell: process.platform === "win32" }).trim();
  const tarball = readFileSync(join(temporary, packed));
  const asked: string[] = [];
  const server = createServer(({ url = "" }, response) => {
    asked.push(decodeURIComponent(url));
    if (url.endsWith(".tgz")) return void response.end(tarball);
    const dist = { tarball: `${address()}/cli.tgz`, integrity: `sha512-${createHash("sha512").update(tarball).digest("base64")}` };
    const packument = { name: "@dictlearn/cli", "dist-tags": { latest: version }, versions: { [version]: { name: "@dictlearn/cli", version, bin: { dictlearn: "main.js" }, dist } } };
    return void response.setHeader("content-type", "application/json").end(JSON.stringify(packument));
  });
  const address = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { address: address(), asked, close: () => new Promise((resolve) => server.close(resolve)) };
}

test("hands over to the app of its own version where none is installed: words and exit code, and again from npm's cache", async () => {
  const server = await registry();
  const cwd = folderWithPackage();
  const env = { npm_config_registry: server.address, npm_config_cache: join(cwd, "cache"), npm_config_update_notifier: "false", npm_config_audit: "false", npm_config_fund: "false" };
  try {
    const first = await run(cwd, ["--flag", "7", "two words"], env);
    expect(first).toMatchObject({ code: 7, stdout: '["--flag","7","two words"]\n', stderr: expect.stringMatching(/^dictlearn: the commands are in @dictlearn\/cli, /) });
    expect(new Set(server.asked)).toEqual(new Set(["/@dictlearn/cli", "/cli.tgz"]));
    const asked = server.asked.length;
    expect(await run(cwd, ["x", "0"], { ...env, npm_config_offline: "true" })).toMatchObject({ code: 0, stdout: '["x","0"]\n' });
    expect(server.asked.length).toBe(asked);
  } finally {
    await server.close();
  }
});

test("does not hand over twice", async () => {
  expect(await run(folderWithPackage(), ["train"], { DICTLEARN_HANDED_OVER: version })).toEqual({ code: 1, stdout: "", stderr: "dictlearn: expected @dictlearn/cli to be installed by npm, got none — npm install --global @dictlearn/cli\n" });
});
