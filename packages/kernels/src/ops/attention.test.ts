import { attention, type Tensor } from "@dictlearn/kernels";
import { devices, expectReference, runOn, seededNormal, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

/** q, k, v and spans; v within ±5, so that a mean of values is off by what the weights are: about 1e-6 each, relative. */
function inputs(N: number, M: number, D: number, span: (n: number) => [number, number]): Input[] {
  return [
    [seededNormal(1, N * D), [N, D]],
    [seededNormal(2, M * D), [M, D]],
    [seededNormal(3, M * D), [M, D]],
    [Uint32Array.from(Array.from({ length: N }, (_, n) => span(n)).flat()), [N, 2]],
  ];
}
const op = (heads: number) => (q: Tensor, k: Tensor, v: Tensor, spans: Tensor) => attention(q, k, v, spans, { heads });
const causal = (n: number): [number, number] => [0, n + 1];

describe.each(await devices())("attention on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    { N: 1, heads: 1, d: 1 },
    { N: 2, heads: 2, d: 3 },
    { N: 17, heads: 3, d: 7 },
    { N: 33, heads: 2, d: 64 },
    { N: 65, heads: 1, d: 80 },
    { N: 67, heads: 2, d: 33 },
    { N: 5, heads: 1, d: 130 },
  ])("causal, $N positions, $heads heads of $d", async ({ N, heads, d }) => {
    await expectReference(device!, inputs(N, N, heads * d, causal), op(heads), { absolute: 5e-6 });
  });

  test.skipIf(skipped)("packed texts, a window, one key, empty and reversed spans, spans past the last key", async () => {
    const spans: [number, number][] = [[0, 1], [0, 2], [2, 3], [2, 4], [0, 0], [5, 5], [9, 4], [7, 11], [10, 11], [8, 99], [11, 12], [50, 60]];
    const given = inputs(spans.length, 11, 8, (n) => spans[n]);
    await expectReference(device!, given, op(2), { absolute: 2e-6 });
    const [y] = await runOn(device!, given, op(2));
    for (const n of [4, 5, 6, 10, 11]) expect([...y.subarray(n * 8, n * 8 + 8)]).toEqual(Array(8).fill(0));
  });

  test.skipIf(skipped)("no query and no key", async () => {
    await expectReference(device!, inputs(0, 3, 4, causal), op(1));
    await expectReference(device!, inputs(3, 0, 4, causal), op(1));
  });

  test.skipIf(skipped)("spans of several chunks: 2,049 keys and a cut in the middle", async () => {
    const spans: [number, number][] = [[0, 2049], [1, 1025], [1024, 2049], [7, 1032], [0, 1024], [3, 1028]];
    await expectReference(device!, inputs(spans.length, 2049, 4, (n) => spans[n]), op(1), { absolute: 5e-6 });
  });

  test.skipIf(skipped)("scores in the hundreds neither overflow nor vanish, and grow along the keys", async () => {
    const [, k, v, spans] = inputs(3, 200, 4, () => [0, 200]);
    const rising = Float32Array.from({ length: 800 }, (_, i) => Math.floor(i / 4) - 100);
    for (const keys of [rising, rising.map((x) => -x)]) {
      const given: Input[] = [[Float32Array.from({ length: 12 }, (_, i) => [3, -3, 0.01][Math.floor(i / 4)]), [3, 4]], [keys, k[1]], v, spans];
      // scores to ±600 are right to 600 * 2^-24 * d, which is the relative error of a weight
      await expectReference(device!, given, op(1), { absolute: 1e-3 });
    }
  });

  test.skipIf(skipped)("a NaN in a query stays with that query and head", async () => {
    const given = inputs(3, 3, 4, causal);
    given[0][0][4] = NaN;
    const [y] = await runOn(device!, given, op(2));
    expect([...y].map(Number.isNaN)).toEqual([..."000011000000"].map((c) => c === "1"));
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      const [q, k, spans] = [device!.zeros([4, 512]), device!.zeros([4, 768]), device!.zeros([4, 2], "u32")];
      expect(() => attention(q, k, k, spans, { heads: 8 })).toThrow("attention: expected k f32[M,512], got f32[4,768] (q is f32[4,512])");
      expect(() => attention(q, q, q, spans, { heads: 7 })).toThrow("attention: expected q f32[N,D] with D a multiple of 7 heads, got f32[4,512]");
    });
  });
});
