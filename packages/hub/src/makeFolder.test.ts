import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { makeFolder } from "./makeFolder.js";

const temporary = await mkdtemp(join(tmpdir(), "make-folder-"));
afterAll(() => rm(temporary, { recursive: true }));

test("folders are made down to the last, and the first of them is told", async () => {
  expect(await makeFolder(join(temporary, "a", "b", "c"))).toBe(join(temporary, "a"));
  expect((await stat(join(temporary, "a", "b", "c"))).isDirectory()).toBe(true);
  expect(await makeFolder(join(temporary, "a", "b"))).toBeUndefined();
  expect(await makeFolder(join(temporary, "a", "d"))).toBe(join(temporary, "a", "d"));
});

test("several at once make it together", async () => {
  const paths = ["e/f/g", "e/f/g", "e/f/h", "e/f"].map((path) => join(temporary, path));
  const made = await Promise.all(paths.map(makeFolder));
  expect(made.some((first) => first === join(temporary, "e"))).toBe(true);
  for (const path of paths) expect((await stat(path)).isDirectory()).toBe(true);
});

test("a file in the way is an error", async () => {
  await writeFile(join(temporary, "file"), "");
  await expect(makeFolder(join(temporary, "file"))).rejects.toMatchObject({ code: "EEXIST" });
  await expect(makeFolder(join(temporary, "file", "below"))).rejects.toMatchObject({ code: "ENOTDIR" });
});

test.runIf(process.platform === "linux")("where there can be no folder, it ends with an error", async () => {
  await expect(makeFolder("/proc/none/of/these")).rejects.toMatchObject({ code: "ENOENT" });
});
