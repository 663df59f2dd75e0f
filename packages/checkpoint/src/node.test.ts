import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
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

describe("a tensor piece by piece", async () => {
  const names = ["dl_variants/contiguous.pt", "dl_variants/one_shared_storage.pt", "dl_variants/dtypes.pt", "dl/AutoEncoder/ae.pt", "dl_variants/float16.pt", "torch/views.pt", "torch/views_f64.pt"];
  test.each(names)("%s: the pieces of what lies in order are the whole, what lies otherwise has none", async (name) => {
    const path = join(folder, name.replaceAll("/", "-"));
    await writeFile(path, fixtureBytes(name));
    await using source = await fileSource(path);
    const file = await openTorch(source);
    let inOrder = 0;
    for (const tensor of file.names) {
      const { data } = await file.read(tensor);
      for (const elements of [1, 7, data.length, 1e6].filter((n) => n > 0)) {
        const found: Buffer[] = [];
        for await (const { dtype, data: piece } of file.pieces(tensor, elements) ?? []) {
          expect(dtype).toBe((await file.info(tensor)).dtype);
          expect(piece.constructor).toBe(data.constructor);
          found.push(Buffer.from(bytesOf(piece))); // a copy: the next piece takes its place
          expect(piece.length).toBe(Math.min(elements, data.length - (found.length - 1) * elements));
        }
        if (!file.pieces(tensor, elements)) continue;
        expect(Buffer.concat(found).equals(bytesOf(data)), tensor).toBe(true);
        inOrder++;
      }
    }
    expect(inOrder).toBeGreaterThan(0);
  });

  test("in memory, deflated, or by its columns it has none; a file that shrinks is named", async () => {
    for (const [name, tensor] of [["dl_variants/deflated.pt", "bias"], ["dl/AutoEncoder/ae.pt", "encoder.weight"]]) {
      const path = join(folder, "none.pt");
      await writeFile(path, fixtureBytes(name));
      await using source = await fileSource(path);
      expect((await openTorch(source)).pieces(tensor, 8)).toBeUndefined();
    }
    expect((await openTorch(fixture("dl_variants/contiguous.pt"))).pieces("bias", 8)).toBeUndefined();
    const path = join(folder, "cut.pt");
    await writeFile(path, fixtureBytes("dl_variants/contiguous.pt"));
    await using source = await fileSource(path);
    const file = await openTorch(source);
    const pieces = file.pieces("decoder.weight", 40)!;
    await pieces.next();
    await truncate(path, 1000);
    await expect(async () => { for await (const _ of pieces); }).rejects.toMatchObject({ code: "IO", message: expect.stringContaining("got the end of the file at") });
    expect(() => file.pieces("nothing", 1)).toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
  });
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
