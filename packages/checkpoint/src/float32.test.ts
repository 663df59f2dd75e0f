import { expect, test } from "vitest";
import { toFloat32, type Dtype, type TensorData } from "./index.js";

const tensor = (dtype: Dtype, data: TensorData) => ({ name: "w", dtype, shape: [data.length], data });
const f16 = (...bits: number[]) => toFloat32(tensor("f16", Uint16Array.from(bits)));

test("f16: the values that IEEE 754 names", () => {
  expect(f16(0x0000, 0x0001, 0x03ff, 0x0400, 0x3555, 0x3c00, 0x7bff, 0x7c00)).toEqual(
    Float32Array.of(0, 2 ** -24, 2 ** -14 - 2 ** -24, 2 ** -14, 0.333251953125, 1, 65504, Infinity),
  );
  expect(f16(0x8000, 0xbc00, 0xfc00)).toEqual(Float32Array.of(-0, -1, -Infinity));
  expect(f16(0x7e00, 0xfe00, 0x7c01)).toEqual(Float32Array.of(NaN, NaN, NaN));
});

test("f16: each value lies one unit in the last place above the one before, and signs mirror", () => {
  const positive = f16(...Array.from({ length: 0x7c00 }, (_, bits) => bits));
  const steps = positive.slice(1).map((value, i) => value - positive[i]);
  expect(steps).toEqual(Float32Array.from(steps, (_, bits) => 2 ** (Math.max(bits >> 10, 1) - 25)));
  expect(f16(...Array.from({ length: 0x7c00 }, (_, bits) => bits | 0x8000))).toEqual(positive.map((value) => -value));
});

test("bf16 is the upper half of an f32; f64 is rounded; f32 is handed on", () => {
  expect(toFloat32(tensor("bf16", Uint16Array.of(0x3fc0, 0xc040, 0x0001, 0x7f80)))).toEqual(Float32Array.of(1.5, -3, 2 ** -133, Infinity));
  expect(toFloat32(tensor("f64", Float64Array.of(0.1)))).toEqual(Float32Array.of(0.1));
  const data = Float32Array.of(1);
  expect(toFloat32(tensor("f32", data))).toBe(data);
});

test.each([
  ["i64", BigInt64Array.of(1n)],
  ["i32", Int32Array.of(1)],
  ["bool", Uint8Array.of(1)],
  ["c64", Float32Array.of(1, 0)],
  ["f8_e4m3", Uint8Array.of(1)],
] as const)("%s is no weight", (dtype, data) => {
  expect(() => toFloat32(tensor(dtype, data))).toThrow(expect.objectContaining({ code: "FORMAT", message: `w: expected f64, f32, f16 or bf16, got ${dtype}` }));
});

test("what is not finite is named with its place, when asked", () => {
  const data = new Float32Array(8);
  data[7] = NaN;
  const bad = { name: "encoder.weight", dtype: "f32" as const, shape: [4, 2], data };
  expect(toFloat32(bad)).toBe(data);
  expect(() => toFloat32(bad, { finite: true })).toThrow("encoder.weight: expected finite values, got NaN at [3,1]");
  expect(() => toFloat32(tensor("f64", Float64Array.of(1e300)), { finite: true })).toThrow("got Infinity at [0]");
  expect(() => toFloat32({ name: "s", dtype: "f16", shape: [], data: Uint16Array.of(0xfc00) }, { finite: true })).toThrow("got -Infinity at []");
});
