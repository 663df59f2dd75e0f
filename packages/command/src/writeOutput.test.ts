import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { atomicWriter } from "./atomicWriter.js";
import { writeOutput } from "./writeOutput.js";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "command-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a file appears whole, from text, bytes or a stream of them, and nothing else is left beside", async () => {
  async function* rows() {
    yield "a,b\n";
    expect(readdirSync(folder)).not.toContain("out.csv");
    yield new Uint8Array([49, 44, 50, 10]);
  }
  await writeOutput(join(folder, "out.csv"), rows());
  expect(readFileSync(join(folder, "out.csv"), "utf8")).toBe("a,b\n1,2\n");
  await writeOutput(join(folder, "text"), "x");
  expect(readdirSync(folder).sort()).toEqual(["out.csv", "text"]);
});

test("a failure on the way leaves the old file as it was and nothing beside", async () => {
  writeFileSync(join(folder, "out"), "old");
  const broken = (function* () {
    yield "new";
    throw new Error("model ran away");
  })();
  await expect(writeOutput(join(folder, "out"), broken)).rejects.toThrow("model ran away");
  expect(readFileSync(join(folder, "out"), "utf8")).toBe("old");
  expect(readdirSync(folder)).toEqual(["out"]);
});

test("a process that is ended on the way leaves nothing", () => {
  const built = fileURLToPath(new URL("../dist/index.js", import.meta.url));
  const program = `
    import { atomicWriter, runMain } from ${JSON.stringify(built)};
    await runMain(async () => {
      const writer = await atomicWriter(${JSON.stringify(join(folder, "out"))});
      await writer.write("half");
      process.kill(process.pid, "SIGINT");
      await new Promise((done) => setTimeout(done, 10000));
    });`;
  const { status } = spawnSync(process.execPath, ["--input-type=module", "-e", program]);
  expect(status).toBe(130);
  expect(readdirSync(folder)).toEqual([]);
});

test("what a killed process left of a file goes when the file is written again; what a living one is writing stays", async () => {
  const built = fileURLToPath(new URL("../dist/index.js", import.meta.url));
  const program = (signal: string) => `
    import { atomicWriter } from ${JSON.stringify(built)};
    await (await atomicWriter(${JSON.stringify(join(folder, "out"))})).write("half");
    ${signal}`;
  spawnSync(process.execPath, ["--input-type=module", "-e", program('process.kill(process.pid, "SIGKILL");')]);
  expect(readdirSync(folder)).toHaveLength(1);
  await using other = await atomicWriter(join(folder, "out")); // removes it
  await other.write("of a writer that is slow");
  await writeOutput(join(folder, "out"), "new");
  expect(readdirSync(folder)).toHaveLength(2);
  await other.discard();
  expect(readdirSync(folder)).toEqual(["out"]);
});

test.runIf(process.platform !== "win32")("a disk that is full is told with the file's name, and nothing stays", () => {
  const built = fileURLToPath(new URL("../dist/index.js", import.meta.url));
  const program = `process.on("SIGXFSZ", () => {}); const { runMain, writeOutput } = await import(${JSON.stringify(built)}); await runMain(() => writeOutput("out", "x".repeat(100_000)));`;
  const { status, stderr } = spawnSync("sh", ["-c", `ulimit -f 16; exec "${process.execPath}" --input-type=module -e '${program}'`], { cwd: folder, encoding: "utf8", env: { ...process.env, INIT_CWD: folder } });
  expect([status, stderr]).toEqual([1, `${join(folder, "out")}: expected to write it, got EFBIG, file too large\n`]);
  expect(readdirSync(folder)).toEqual([]);
});

test("a link stays a link, and the permissions of a file stay", async () => {
  writeFileSync(join(folder, "real"), "old");
  chmodSync(join(folder, "real"), 0o640);
  symlinkSync("real", join(folder, "link"));
  await writeOutput(join(folder, "link"), "new");
  expect(readFileSync(join(folder, "real"), "utf8")).toBe("new");
  expect(statSync(join(folder, "real")).mode & 0o777).toBe(0o640);
  expect(readdirSync(folder).sort()).toEqual(["link", "real"]);
});

test.runIf(process.platform !== "win32")("a device is written, not replaced", async () => {
  await writeOutput("/dev/null", "x");
  expect(statSync("/dev/null").isCharacterDevice()).toBe(true);
});

test("a folder, and a file in no folder, are told before anything is computed", async () => {
  await expect(atomicWriter(folder)).rejects.toMatchObject({
    code: "IO",
    message: `${folder}: expected a file to write, got a folder`,
  });
  await expect(atomicWriter(join(folder, "no", "out"))).rejects.toMatchObject({
    code: "IO",
    message: `${join(folder, "no", "out")}: expected an existing folder, got none at ${join(folder, "no")}`,
  });
});
