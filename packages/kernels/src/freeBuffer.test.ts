import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { freeBuffer } from "./freeBuffer.js";

test("a buffer's memory is free at once, and its views are empty", async () => {
  await setImmediate(); // past the turn that loaded the module
  const bytes = 2 ** 25;
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 3; i++) {
    const view = new Float32Array(bytes / 4).fill(i);
    freeBuffer(view.buffer);
    expect([view.length, view.buffer.byteLength]).toEqual([0, 0]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(bytes);
  }
});
