import { devices, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { RowStore } from "./rowStore.js";

describe.each(await devices())("rows on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped).each([1 << 27, 60, 20])("come back from where they were put, over parts of %i bytes", async (partBytes) => {
    const [N, capacity, sites] = [31, 23, new Map([["a", 5], ["b", 2]])];
    const bytes = device.bytesInUse;
    const data = { a: seededNormal(1, N * 5), b: seededNormal(2, N * 2) };
    const source = { a: device.tensor(data.a, [N, 5]), b: device.tensor(data.b, [N, 2]) };
    const store = new RowStore(device, capacity, sites, partBytes);
    const slots = Uint32Array.from({ length: capacity }, (_, i) => (i * 7) % capacity);
    const rows = Uint32Array.from(slots, (_, i) => (i * 11) % N);
    store.write(source, rows, slots);
    store.write(source, Uint32Array.of(30, 29), Uint32Array.of(4, 22)); // over what was there
    const held = Array.from({ length: capacity }, (_, slot) => (slot === 4 ? 30 : slot === 22 ? 29 : rows[slots.indexOf(slot)]));
    const order = Uint32Array.from({ length: 40 }, (_, i) => (i * 5) % capacity); // some twice
    const out = store.read(order);
    for (const [site, D] of sites) {
      const expected = Array.from(order).flatMap((slot) => [...data[site as "a"].subarray(held[slot] * D, (held[slot] + 1) * D)]);
      expect([...(await out[site].read())]).toEqual(expected);
    }
    for (const tensor of [...Object.values(source), ...Object.values(out)]) tensor.dispose();
    store.dispose();
    expect(device.bytesInUse).toBe(bytes);
  });

  test.skipIf(skipped)("a row wider than a part is refused", () => {
    expect(() => new RowStore(device, 3, new Map([["a", 6]]), 20)).toThrow("buffer: expected activations of at most 5 numbers, got 6");
  });
});
