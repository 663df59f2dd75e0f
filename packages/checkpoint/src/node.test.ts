import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fixture, fixtureBytes } from "../test/fixtures.js";
import { openSafetensors, openTorch, writeSafetensors } from "./index.js";
import { fileSource } from "./node.js";

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "checkpoint-"))));
afterAll(() => rm(folder, { recursive: true }));

test("a file on disk gives what the same bytes in memory give", async () => {
  const path = join(folder, "ae.pt");
  await writeFile(path, fixtureBytes("broken/good.pt"));
  await using source = await fileSource(path);
  const [onDisk, inMemory] = [await openTorch(source), await openTorch(fixture("broken/good.pt"))];
  expect(onDisk.names).toEqual(inMemory.names);
  for (const name of onDisk.names) expect(await onDisk.read(name)).toEqual(await inMemory.read(name));
});

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);

test("some rows of a matrix are those of the whole, near each other or far apart", async () => {
  const path = join(folder, "rows.safetensors");
  const [R, D] = [3000, 300]; // rows of 1,200 bytes, a file of several reads
  await writeFile(path, writeSafetensors(Object.entries({ before: [7, 1], matrix: [R, D], "z behind": [2, 2] }).map(([name, shape]) => ({ name, dtype: "f32", shape, data: Float32Array.from({ length: shape[0] * shape[1] }, (_, i) => i + 1) }))));
  await using source = await fileSource(path);
  const file = await openSafetensors(source);
  const { data } = await file.read("matrix");
  for (const rows of [[0], [R - 1], [0, 1, 5, 1000, 1400, R - 1], Array.from({ length: R }, (_, r) => r), []]) {
    const { data: some, ...rest } = await file.readRows!("matrix", Uint32Array.from(rows));
    expect(rest).toEqual({ name: "matrix", dtype: "f32", shape: [rows.length, D] });
    rows.forEach((r, i) => expect(Buffer.compare(bytesOf((some as Float32Array).subarray(i * D, (i + 1) * D)), bytesOf((data as Float32Array).subarray(r * D, (r + 1) * D))), `row ${r}`).toBe(0));
    expect(some.length).toBe(rows.length * D);
  }
  await expect(file.readRows!("matrix", Uint32Array.of(1, R))).rejects.toMatchObject({ code: "NOT_FOUND", message: `${path}: expected rows of matrix below ${R}, got ${R}` });
  await expect(file.readRows!("nothing", Uint32Array.of(1))).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("after closing, or if the file has shrunk, reading is an IO error that names it", async () => {
  const path = join(folder, "shrinks.pt");
  await writeFile(path, fixtureBytes("broken/good.pt"));
  const source = await fileSource(path);
  await truncate(path, 100);
  await expect(source.slice(90, 200)).rejects.toMatchObject({ code: "IO", message: `${path}: expected bytes 90 to 200, got the end of the file at 100` });
  await source.close();
  await expect(source.slice(0, 10)).rejects.toMatchObject({ code: "IO" });
});

test("no file, or no regular one", async () => {
  const path = join(folder, "missing.pt");
  await expect(fileSource(path)).rejects.toMatchObject({ code: "NOT_FOUND", message: `${path}: expected a file, got none` });
  await expect(fileSource(folder)).rejects.toMatchObject({ code: "IO", message: `${folder}: expected a file, got a directory` });
});
