import { describe, expect, test } from "vitest";
import { fixture, fixtureBytes, recording, seeded } from "../test/fixtures.js";
import { dtypes } from "./dtypes.js";
import { memorySource, openSafetensors, writeSafetensors, type Dtype, type NamedTensor } from "./index.js";

const everyDtype = Object.keys(dtypes) as Dtype[];

function tensor(name: string, dtype: Dtype, shape: number[], bytes: Uint8Array): NamedTensor {
  return { name, dtype, shape, data: new dtypes[dtype].array(new Uint8Array(bytes).buffer) };
}

const f32 = (name: string, shape: number[], ...values: number[]): NamedTensor => ({ name, dtype: "f32", shape, data: Float32Array.from(values) });

describe("files are byte for byte those of Hugging Face's writer", () => {
  test("every dtype", () => {
    const tensors = everyDtype.map((dtype) => {
      const bytes = new Uint8Array(3 * dtypes[dtype].bytes);
      bytes[0] = 1;
      return tensor(`${dtype}.x`, dtype, [3], bytes);
    });
    expect(writeSafetensors(tensors)).toEqual(fixtureBytes("safetensors/plain.safetensors"));
  });

  test("names that sort, escape and look like integers; metadata", () => {
    const tensors = [
      f32("b", [2], 1, 2),
      f32("a", [], 3),
      f32("0", [0, 4]),
      f32("10", [1], 5),
      f32("2", [1], 6),
      f32('quote " back \\ line \n', [1], 7),
      f32("größe.重み", [1], 8),
    ];
    expect(writeSafetensors(tensors, { format: "pt" })).toEqual(fixtureBytes("safetensors/metadata.safetensors"));
  });

  test("no tensors", () => {
    expect(writeSafetensors([])).toEqual(fixtureBytes("safetensors/empty.safetensors"));
  });
});

test("what is written is read back, whatever it is", async () => {
  const random = seeded(7);
  for (let round = 0; round < 100; round++) {
    const tensors = Array.from({ length: random(8) }, (_, i) => {
      const dtype = everyDtype[random(everyDtype.length)];
      const shape = Array.from({ length: random(4) }, () => random(5));
      const bytes = Uint8Array.from({ length: shape.reduce((a, b) => a * b, dtypes[dtype].bytes) }, () => random(256));
      return tensor(["", "__proto__", "constructor", `layer.${random(1000)}.weight`][i % 4] + i, dtype, shape, bytes);
    });
    const metadata = random(2) ? { format: "pt", __proto__: "no prototype" } : undefined;
    const file = await openSafetensors(memorySource(writeSafetensors(tensors, metadata)));
    expect([...file.names].sort()).toEqual(tensors.map(({ name }) => name).sort());
    expect(file.metadata).toEqual(metadata);
    for (const written of tensors) expect(bytesOf(await file.read(written.name))).toEqual(bytesOf(written));
  }
});

/** NaNs compare by their bits. */
function bytesOf({ data, ...rest }: NamedTensor) {
  return { ...rest, array: data.constructor.name, bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

test("a tensor that is a part of a larger array is written alone", async () => {
  const data = Float32Array.of(1, 2, 3, 4).subarray(1, 3);
  const file = await openSafetensors(memorySource(writeSafetensors([{ name: "x", dtype: "f32", shape: [2], data }])));
  expect((await file.read("x")).data).toEqual(Float32Array.of(2, 3));
});

test("what cannot be written is said", () => {
  expect(() => writeSafetensors([f32("x", [3], 1, 2)])).toThrow("x: expected 12 bytes for f32 [3], got 8");
  expect(() => writeSafetensors([f32("x", [1], 1), f32("x", [1], 2)])).toThrow("x: expected a name of its own");
  expect(() => writeSafetensors([f32("__metadata__", [1], 1)])).toThrow("__metadata__: expected a name of its own");
});

test("opening reads the header, and reading a tensor reads its bytes", async () => {
  const source = recording(fixture("broken/good.safetensors"));
  const file = await openSafetensors(source);
  const opened = source.ranges.splice(0);
  const { dtype, shape } = await file.info("bias");
  expect({ dtype, shape, ranges: source.ranges }).toEqual({ dtype: "f32", shape: [6], ranges: [] });
  await file.read("bias");
  expect(source.ranges.map(([start, end]) => end - start)).toEqual([24]);
  expect(opened).toEqual([[0, 8], [8, expect.any(Number)]]);
});

test("a source that gives too little is an IO error, not a wrong tensor", async () => {
  const whole = fixture("broken/good.safetensors");
  let missing = 0;
  const file = await openSafetensors({ ...whole, slice: (start, end) => whole.slice(start, end - missing) });
  missing = 4;
  await expect(file.read("bias")).rejects.toMatchObject({
    code: "IO",
    message: expect.stringMatching(/^broken\/good.safetensors: expected 24 bytes at \d+, got 20$/),
  });
});

test("names must be told once", async () => {
  const header = '{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0077":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}';
  const bytes = new Uint8Array(8 + header.length + 1);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(new TextEncoder().encode(header), 8);
  await expect(openSafetensors(memorySource(bytes, "w.safetensors"))).rejects.toMatchObject({
    code: "FORMAT",
    message: 'w.safetensors: expected each name once, got "w" twice',
  });
});

describe("a header is refused at the first member that is wrong, before the rest takes memory", () => {
  const most = 10; // times its length; the engine takes 56 bytes for an empty object
  test.each([
    ["objects in a list", `{"a":{"dtype":"F32","shape":[${"{},".repeat(1_500_000)}`],
    ["lists in a list", `{"a":{"dtype":"F32","shape":[${"[],".repeat(1_500_000)}`],
    ["objects as tensors", `{${Array.from({ length: 600_000 }, (_, i) => `"${i}":{}`).join(",")}}`],
    ["metadata that is no text", `{"__metadata__":{${Array.from({ length: 400_000 }, (_, i) => `"${i}":{}`).join(",")}}}`],
    ["a depth of a million", `{"a":${"[".repeat(1_000_000)}`],
    ["a depth of a million objects", `{"a":${'{"a":'.repeat(1_000_000)}`],
    ["a text that does not end", `{"a${"x".repeat(4_000_000)}`],
  ])("%s", async (_, json) => {
    const header = new TextEncoder().encode(json);
    const bytes = new Uint8Array(8 + header.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
    bytes.set(header, 8);
    const source = memorySource(bytes, "x.safetensors");
    const before = process.memoryUsage().heapUsed;
    await expect(openSafetensors(source)).rejects.toMatchObject({ code: "FORMAT" });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(4e6 + most * header.length);
  });
});

test.each([" ", "\n\t "])("space of %j between all parts of a header changes nothing", async (space) => {
  const parts = ["{", '"__metadata__"', ":", "{", '"a"', ":", '"{[,\\""', "}", ",", '"w"', ":", "{", '"dtype"', ":", '"F32"', ",", '"shape"', ":", "[", "1", ",", "2", "]", ",", '"data_offsets"', ":", "[", "0", ",", "8", "]", "}", "}"];
  const header = new TextEncoder().encode(parts.join(space) + space);
  const bytes = new Uint8Array(8 + header.length + 8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  const file = await openSafetensors(memorySource(bytes, "x"));
  expect({ names: file.names, metadata: file.metadata, info: await file.info("w") }).toEqual({ names: ["w"], metadata: { a: '{[,"' }, info: { dtype: "f32", shape: [1, 2] } });
});
