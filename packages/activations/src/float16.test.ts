import { widenF16 } from "@dictlearn/kernels";
import { expect, test } from "vitest";
import { narrowF16 } from "./float16.js";

const halves = Uint16Array.from({ length: 65536 }, (_, h) => h);
const floats = widenF16(halves);
const isNaN16 = (h: number) => (h & 0x7fff) > 0x7c00;
/** The f32 next to x, away from zero (1) or towards it (-1). */
function neighbour(x: number, step: 1 | -1): number {
  const word = new Uint32Array(Float32Array.of(x).buffer);
  word[0] += step;
  return new Float32Array(word.buffer)[0];
}

test("every half survives the way through f32", () => {
  const back = narrowF16(floats);
  for (let h = 0; h < 65536; h++) if (isNaN16(h) ? !isNaN16(back[h]) : back[h] !== h) expect(back[h]).toBe(h);
  expect(back).toHaveLength(65536);
});

test("between two halves the nearer one is taken, of two as near the even one", () => {
  for (let h = 0; h < 0x7c00; h++) {
    // one past the largest half stands where the next would be, 65536
    const middle = (floats[h] + (h === 0x7bff ? 65536 : floats[h + 1])) / 2;
    const got = narrowF16(Float32Array.of(middle, neighbour(middle, -1), neighbour(middle, 1), -middle));
    const even = h % 2 ? h + 1 : h;
    const expected = [even, h, h + 1, even | 0x8000];
    if (expected.some((bits, i) => bits !== got[i])) expect([h, ...got]).toEqual([h, ...expected]);
  }
  expect([...narrowF16(Float32Array.of(1e-45, -1e-45, 1e38, -Infinity, 65504))]).toEqual([0, 0x8000, 0x7c00, 0xfc00, 0x7bff]);
});
