import { expect, test } from "vitest";
import { Heap } from "./heap.js";

const heap = (maximumPages = 64) => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: maximumPages });
  return { memory, heap: new Heap(memory, 5000, maximumPages) };
};

test("blocks never overlap, are aligned to 64 bytes, and lie inside the memory, whatever the order of calls", () => {
  const { memory, heap: h } = heap(1024);
  const live = new Map<number, number>();
  let seed = 1;
  const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n;
  for (let i = 0; i < 5000; i++) {
    if (live.size && random(2)) {
      const address = [...live.keys()][random(live.size)]!;
      h.free(address);
      live.delete(address);
    } else {
      const bytes = random(3) ? random(300) : random(60_000);
      const address = h.allocate(bytes);
      expect(address % 64).toBe(0);
      expect(address).toBeGreaterThanOrEqual(5000);
      expect(address + bytes).toBeLessThanOrEqual(memory.buffer.byteLength);
      for (const [other, size] of live) expect(address + Math.max(bytes, 1) <= other || other + Math.max(size, 1) <= address).toBe(true);
      live.set(address, bytes);
    }
  }
});

test("what is freed is merged and used again: the same sizes in a loop never grow the memory", () => {
  const { memory, heap: h } = heap();
  const sizes = [100_000, 64, 300_000, 7, 65_536];
  const loop = () => sizes.map((bytes) => h.allocate(bytes)).forEach((address) => h.free(address));
  loop();
  const after = memory.buffer.byteLength;
  for (let i = 0; i < 1000; i++) loop();
  expect(memory.buffer.byteLength).toBe(after);
  expect(h.bytesInUse).toBe(0);
  h.allocate(400_000); // fits where the five neighbours were
  expect(memory.buffer.byteLength).toBe(after);
});

test("a request beyond the memory says what was asked and what is in use, and changes nothing", () => {
  const { heap: h } = heap(16);
  h.allocate(2 ** 19);
  expect(() => h.allocate(2 ** 20)).toThrow("cpu: expected to fit in 1 MiB of WebAssembly memory, got a request for 1 MiB with 1 MiB in use");
  expect(h.bytesInUse).toBe(2 ** 19);
  h.allocate(1000);
});

test("freeing twice is an error, not a corruption", () => {
  const { heap: h } = heap();
  const address = h.allocate(10);
  h.free(address);
  expect(() => h.free(address)).toThrow("free: expected an allocated block");
});
