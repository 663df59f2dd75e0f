import { expect, test } from "vitest";
import { fromBase64, toBase64 } from "./base64.js";

test.each([0, 1, 2, 3, 9_000, 50_001])("%i numbers come back, and are what Node writes", (n) => {
  const numbers = Float32Array.from({ length: n }, (_, i) => Math.sin(i) * 10 ** (i % 40));
  expect(toBase64(numbers)).toBe(Buffer.from(numbers.buffer).toString("base64"));
  expect(Buffer.from(fromBase64(toBase64(numbers))).equals(Buffer.from(numbers.buffer))).toBe(true);
});

test("of a part of a buffer only that part is taken", () => {
  expect(toBase64(Uint8Array.of(9, 1, 2, 3, 9).subarray(1, 4))).toBe("AQID");
});
