import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { crc32 as zlibCrc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { files } from "../../../oracles/torch-write/entries.ts";
import { fixture, seeded } from "../test/fixtures.js";
import { crc32 } from "./crc32.js";
import { memorySource, openTorch, writeTorch, type TorchDict } from "./index.js";
import { torchMembers } from "./writeTorch.js";
import { writeZip } from "./writeZip.js";
import { readZipDirectory } from "./zip.js";

const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");
const bytesOf = (pieces: Iterable<Uint8Array>) => new Uint8Array(Buffer.concat([...pieces]));
const written = (entries: TorchDict) => bytesOf(writeTorch(entries));
const opened = (entries: TorchDict) => openTorch(memorySource(written(entries), "ours.pt"));

interface Opened {
  sha256: string;
  content: unknown;
}
const recorded = (version: string): Record<string, Opened> =>
  JSON.parse(readFileSync(new URL(`../../../oracles/torch-write/opened.torch-${version}.json`, import.meta.url), "utf8")).files;

describe("what real torch opened", () => {
  test.each(Object.keys(files))("%s.pt is the very file that we write", (name) => {
    expect(sha256(written(files[name]))).toBe(recorded("2.15")[name].sha256);
    expect(sha256(bytesOf(writeZip(torchMembers(files[name]), 100)))).toBe(recorded("2.15")[`${name}.zip64`].sha256);
  });

  test.each(Object.keys(files))("%s.pt held, in torch 2.15, what we gave", async (name) => {
    expect(recorded("2.15")[name].content).toEqual(asTorchSees(files[name]));
    expect(recorded("2.15")[`${name}.zip64`].content).toEqual(asTorchSees(files[name]));
  });

  test.each(["dictionary", "dtypes", "plain"])("%s.pt was the same to torch 1.13", (name) => {
    expect(recorded("1.13")[name]).toEqual(recorded("2.15")[name]);
  });

  const torchNames: Record<string, string> = { f16: "float16", bf16: "bfloat16", f32: "float32", f64: "float64", i64: "int64", i32: "int32", i16: "int16", i8: "int8", u8: "uint8", bool: "bool" };

  /** Entries as `open_ours.py` describes them; strides are followed element by element. */
  function asTorchSees(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(asTorchSees);
    if (typeof value === "string") return `'${value}'`;
    if (value === null) return "None";
    if (typeof value === "boolean") return value ? "True" : "False";
    if (typeof value === "number") return python(value);
    if (typeof value === "bigint") return String(value);
    const { dtype, shape, strides, data } = value as { dtype: string; shape: number[]; strides?: number[]; data: Uint8Array };
    if (!ArrayBuffer.isView(data)) return { dict: [...(value instanceof Map ? value : Object.entries(value as object))].map(([key, inner]) => [key, asTorchSees(inner)]) };
    const steps = strides ?? shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * Math.max(b, 1), 1));
    let places = [0];
    shape.forEach((size, axis) => (places = places.flatMap((place) => Array.from({ length: size }, (_, i) => place + i * steps[axis]))));
    const width = data.BYTES_PER_ELEMENT;
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return { dtype: torchNames[dtype], shape, strides: steps, sha256: sha256(Uint8Array.from(places.flatMap((at) => [...raw.subarray(at * width, (at + 1) * width)]))) };
  }

  function python(value: number): string {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) return String(value);
    if (Object.is(value, -0)) return "-0.0";
    if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
    return value === 2e-4 ? "0.0002" : String(value);
  }
});

describe("round trips through openTorch", () => {
  test("tensors of every dtype, transposed ones among them, and plain values", async () => {
    const { dtypes, plain, floats } = files;
    const file = await opened({ ...dtypes, plain, floats });
    for (const name of Object.keys(dtypes)) {
      const entry = (dtypes as Record<string, { dtype: string; shape: number[]; strides?: number[]; data: Uint8Array }>)[name];
      const back = await file.read(name);
      expect([back.dtype, back.shape]).toEqual([entry.dtype, entry.shape]);
      if (!entry.strides) expect(back.data).toEqual(entry.data);
    }
    expect((await file.read("f16_transposed")).data).toEqual(Uint16Array.of(0x0000, 0xc000, 0x8000, 0x7bff, 0x3c00, 0x0001));
    expect(file.values.get("plain.config.name")).toBe("é 漢字 😀");
    expect(file.values.get("plain.config.seeds.5")).toBe(-(2 ** 40));
    expect(file.values.get("plain.config.small")).toBe(-(2n ** 70n));
    expect(file.values.get("plain.nothing")).toBe(null);
    expect(file.values.get("floats.extremes.6")).toBe(NaN);
    expect(file.values.get("floats.extremes.3")).toBe(-0);
    expect((await file.read("plain.optimizer.state.0.exp_avg")).data).toEqual(Float32Array.of(NaN, -Infinity, -0, 1e-45));
  });

  test("integers of every length", async () => {
    const whole = [0, 1, 255, 256, -1, -128, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53) + 1].flatMap((n) => [n, BigInt(n)]);
    const big = Array.from({ length: 300 }, (_, bit) => [2n ** BigInt(bit + 53), -(2n ** BigInt(bit + 53)), 2n ** BigInt(bit + 53) - 1n]).flat();
    const { values } = await opened({ whole, big });
    expect(whole.map((_, i) => values.get(`whole.${i}`))).toEqual(whole.map(Number));
    expect(big.map((_, i) => BigInt(values.get(`big.${i}`) as bigint))).toEqual(big);
  });

  test("what dictionary_learning saved is equal when read and written again", async () => {
    const theirs = await openTorch(fixture("dl/AutoEncoderTopK/ae.pt"));
    const tensors = await Promise.all(theirs.names.map((name) => theirs.read(name)));
    const ours = await opened(Object.fromEntries(tensors.map((tensor) => [tensor.name, tensor])));
    expect(ours.names).toEqual(theirs.names);
    for (const tensor of tensors) expect(await ours.read(tensor.name)).toEqual(tensor);
  });
});

describe("the archive", () => {
  const random = seeded(5);
  const tensor = (n: number) => ({ dtype: "u8", shape: [n], data: Uint8Array.from({ length: n }, () => random(256)) }) as const;
  const entries = Object.fromEntries([0, 1, 63, 64, 65, 1000, 7].map((n, i) => [`t${i}`, tensor(n)]));

  test.each([undefined, 100])("every member's data begins at a multiple of 64 bytes and stands in the file (zip64 from %s)", async (zip64From) => {
    const members = torchMembers(entries);
    const file = bytesOf(writeZip(members, zip64From));
    const directory = await readZipDirectory(memorySource(file));
    expect([...directory.keys()]).toEqual(members.map(({ name }) => name));
    const view = new DataView(file.buffer);
    for (const { name, data } of members) {
      const at = directory.get(name)!.headerOffset;
      const start = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
      expect(start % 64).toBe(0);
      expect(file.subarray(start, start + data.length)).toEqual(data);
      expect(view.getUint32(at + 14, true)).toBe(crc32(data));
    }
  });

  test("pieces are the tensors' own memory, and the same bytes come each time", () => {
    const data = new Float32Array(1000);
    const pieces = [...writeTorch({ x: { dtype: "f32", shape: [1000], data } })];
    expect(pieces.filter(({ buffer }) => buffer === data.buffer).map(({ length }) => length)).toEqual([4000]);
    expect(bytesOf(writeTorch(files.plain))).toEqual(bytesOf(writeTorch(files.plain)));
  });

  test("a tensor that is part of a larger buffer is written alone", async () => {
    const whole = Float32Array.from({ length: 10 }, (_, i) => i);
    const file = await opened({ x: { dtype: "f32", shape: [3], data: whole.subarray(4, 7) } });
    expect((await file.read("x")).data).toEqual(Float32Array.of(4, 5, 6));
  });

  // CRC-32/ISO-HDLC's check value, and zlib's own
  test("crc32", () => {
    expect(crc32(new TextEncoder().encode("123456789"))).toBe(0xcbf43926);
    for (const n of [0, 1, 7, 8, 9, 1000]) {
      const bytes = Uint8Array.from({ length: n }, () => random(256));
      expect(crc32(bytes)).toBe(zlibCrc32(bytes));
      expect(crc32(bytes.subarray(n >> 1), crc32(bytes.subarray(0, n >> 1)))).toBe(crc32(bytes));
    }
  });
});

describe("what cannot be written is refused before the first piece, by name", () => {
  const f32 = (shape: number[], strides?: number[], n = shape.reduce((a, b) => a * b, 1)) => ({ dtype: "f32", shape, strides, data: new Float32Array(n) }) as const;
  let deep: TorchDict = {};
  for (let i = 0; i < 20; i++) deep = { deep };
  const own: Record<string, TorchDict> = {};
  own.own = own;

  test.each<[unknown, string, string?]>([
    [{ ae: { w: f32([2, 3], undefined, 5) } }, "ae.w: expected 24 bytes for f32 [2,3], got 20"],
    [{ w: f32([2, 3], [1, 3]) }, "w: expected strides over each element of [2,3] once, got [1,3]"],
    [{ w: f32([2, 3], [3, 1, 1]) }, "w: expected strides"],
    [{ w: f32([2, 3], [0, 1]) }, "w: expected strides"],
    [{ w: f32([2, 2], [-1, 2]) }, "w: expected strides"],
    [{ w: f32([2.5], undefined, 2) }, "w: expected strides over each element of [2.5] once"],
    [{ w: { dtype: "u32", shape: [1], data: new Uint32Array(1) } }, "w: expected a dtype that torch stores, got u32", "UNSUPPORTED"],
    [{ config: { lr: undefined } }, "config.lr: expected a tensor, a dict, a list or a plain value, got undefined"],
    [{ f: () => 1 }, "f: expected a tensor, a dict, a list or a plain value, got function"],
    [{ date: new Date(0) }, "date: expected a plain object or a Map for a dict, got Date"],
    [{ raw: new Float32Array(2) }, "raw: expected a plain object or a Map for a dict, got Float32Array"],
    [new Map<unknown, number>([[0.5, 1]]), "file: expected text or whole numbers as keys, got 0.5"],
    [{ name: "\ud800" }, "name: expected well-formed text"],
    [{ big: 2n ** 2039n }, "big: expected an integer of at most 255 bytes, got 256"],
    [[1], "file: expected a dict of tensors, got another value"],
    [null, "file: expected a dict of tensors, got another value"],
    [f32([1]), "file: expected a dict of tensors, got another value"],
    [deep, "expected at most 16 levels of dicts and lists, got more"],
    [own, "expected at most 16 levels of dicts and lists, got more"],
  ])("case %#: %s", (entries, message, code = "FORMAT") => {
    expect(() => writeTorch(entries as TorchDict)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });
});
