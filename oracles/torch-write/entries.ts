import type { TorchDict } from "../../packages/checkpoint/src/index.ts";

const [F, D] = [5, 3];
const numbers = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.fround((i - 4) / 7));
const halves = Uint16Array.of(0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0001); // 0, -0, 1, -2, 65504, 2^-24 as f16

/** What `write_ours.ts` writes and real torch opened, by file name. */
export const files: Record<string, TorchDict> = {
  dictionary: {
    "encoder.weight": { dtype: "f32", shape: [F, D], strides: [1, F], data: numbers(F * D) }, // as dictionary_learning saves it: a transposed view
    "encoder.bias": { dtype: "f32", shape: [F], data: numbers(F) },
    "decoder.weight": { dtype: "f32", shape: [D, F], data: numbers(D * F) },
    b_dec: { dtype: "f32", shape: [D], data: numbers(D) },
    k: { dtype: "i32", shape: [], data: Int32Array.of(2) },
    threshold: { dtype: "f32", shape: [], data: Float32Array.of(0.25) },
  },
  dtypes: {
    f16: { dtype: "f16", shape: [2, 3], data: halves },
    f16_transposed: { dtype: "f16", shape: [3, 2], strides: [1, 3], data: halves },
    bf16: { dtype: "bf16", shape: [3], data: Uint16Array.of(0x3fc0, 0xc040, 0xff80) },
    i64: { dtype: "i64", shape: [3], data: BigInt64Array.of(2n ** 62n, -1n, 0n) },
    i32: { dtype: "i32", shape: [2], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) },
    i16: { dtype: "i16", shape: [1], data: Int16Array.of(-300) },
    i8: { dtype: "i8", shape: [1], data: Int8Array.of(-3) },
    u8: { dtype: "u8", shape: [2], data: Uint8Array.of(0, 250) },
    bool: { dtype: "bool", shape: [3], data: Uint8Array.of(1, 0, 1) },
    f64: { dtype: "f64", shape: [1, 1], data: Float64Array.of(1e300) },
    empty: { dtype: "f32", shape: [0, 3], data: new Float32Array(0) },
    cube: { dtype: "f32", shape: [2, 3, 4], strides: [4, 8, 1], data: numbers(24) },
  },
  plain: {
    step: 123456,
    done: false,
    nothing: null,
    config: { trainer_class: "TopKTrainer", seeds: [0, -1, 255, 256, 2 ** 31, -(2 ** 40)], name: "é 漢字 😀", nested: [[], {}, [1, [true]]], big: 2n ** 70n, small: -(2n ** 70n) },
    optimizer: { state: new Map([[0, { step: 3, exp_avg: { dtype: "f32", shape: [2, 2], data: Float32Array.of(NaN, -Infinity, -0, 1e-45) } }]]) },
  },
  floats: { norm_factor: 10.154218673706055, lr: 2e-4, extremes: [1e308, 5e-324, -0.5, -0, Infinity, -Infinity, NaN] },
};
