import { expect, test } from "vitest";
import { readSafetensors } from "./readSafetensors.js";

/** A file by hand: `[name, dtype, shape, bytes]` one after another, at an odd offset of its buffer as pooled Buffers are. */
function file(...tensors: [string, string, number[], Uint8Array][]): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const [name, dtype, shape, { length }] of tensors)
    header[name] = { dtype, shape, data_offsets: [end, (end += length)] };
  const json = new TextEncoder().encode(JSON.stringify(header));
  const size = new Uint8Array(BigUint64Array.of(BigInt(json.length)).buffer);
  const all = [Uint8Array.of(0xff), size, json, ...tensors.map((t) => t[3])];
  return Uint8Array.from(all.flatMap((part) => [...part])).subarray(1);
}

const bytes = (array: ArrayBufferView) => new Uint8Array(array.buffer);

test("every dtype of the oracles reads as numbers, with its shape", () => {
  const read = readSafetensors(
    file(
      ["flag", "BOOL", [3], Uint8Array.of(1, 0, 1)],
      ["x", "F32", [2, 1], bytes(Float32Array.of(1.5, -2))],
      ["bf16", "BF16", [2], bytes(Uint16Array.of(0x3fc0, 0xc000))],
      ["f16", "F16", [4], bytes(Uint16Array.of(0x3e00, 0xc000, 0x0001, 0x7c00))],
      ["f64", "F64", [1], bytes(Float64Array.of(0.25))],
      ["tokens", "I64", [2], bytes(BigInt64Array.of(50254n, -1n))],
      ["i32", "I32", [], bytes(Int32Array.of(-7))],
    ),
  );
  expect(read).toEqual({
    flag: { shape: [3], data: Int32Array.of(1, 0, 1) },
    x: { shape: [2, 1], data: Float32Array.of(1.5, -2) },
    bf16: { shape: [2], data: Float32Array.of(1.5, -2) },
    f16: { shape: [4], data: Float32Array.of(1.5, -2, 2 ** -24, Infinity) },
    f64: { shape: [1], data: Float32Array.of(0.25) },
    tokens: { shape: [2], data: Int32Array.of(50254, -1) },
    i32: { shape: [], data: Int32Array.of(-7) },
  });
});

test("a dtype that it does not know is named", () => {
  expect(() => readSafetensors(file(["x", "C64", [1], new Uint8Array(8)]))).toThrow("got C64");
});
