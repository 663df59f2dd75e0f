import { devices, expectClose } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { activation, corpus, countingSource } from "../test/countingSource.js";
import { normFactors, openBuffer, type Batch } from "./index.js";

const rows = corpus(Array.from({ length: 30 }, () => 11));
const options = { batchSize: 10, capacity: 40, seed: 6 };
const rms = (squares: number[]) => Math.sqrt(squares.reduce((a, b) => a + b) / squares.length);
const squareNorm = (x: ArrayLike<number>) => Array.from(x).reduce((sum, v) => sum + v * v, 0);

describe.each(await devices())("on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped)("over a whole corpus: the root of the mean square norm of each site, whatever the order", async () => {
    const bytes = device.bytesInUse;
    using buffer = openBuffer(countingSource(device, rows), options);
    const factors = await normFactors(buffer);
    for (const [site, D] of [["final_norm", 5], ["layers.0.mlp_out", 3]] as const)
      expectClose([factors[site]], [rms(rows.flatMap((row) => [...row].map((_, t) => squareNorm(activation(row, t, D)))))], { relative: 1e-6 });
    buffer.dispose();
    expect(device.bytesInUse).toBe(bytes);
  });
});

const [{ device }] = await devices();

test("of the first batches only, which a second buffer draws again", async () => {
  using buffer = openBuffer(countingSource(device!, rows), options);
  const factors = await normFactors(buffer, { batches: 4 });
  expect(buffer.drawn).toBe(40);

  using again = openBuffer(countingSource(device!, rows), options);
  const squares: number[] = [];
  for (let k = 0; k < 4; k++) {
    const batch = (await again.next())!;
    const x = await batch.final_norm.read();
    for (let b = 0; b < 10; b++) squares.push(squareNorm(x.subarray(5 * b, 5 * b + 5)));
    for (const t of Object.values(batch)) t.dispose();
  }
  expectClose([factors.final_norm], [rms(squares)], { relative: 1e-6 });
});

test("101 batches unless said otherwise", async () => {
  using buffer = openBuffer(countingSource(device!, corpus(Array.from({ length: 30 }, () => 11))), { ...options, batchSize: 2 });
  await normFactors(buffer);
  expect(buffer.drawn).toBe(202);
});

async function* batches(...rows: number[][]): AsyncGenerator<Batch> {
  for (const row of rows) yield { embed: device!.tensor(Float32Array.from(row), [1, row.length]) };
}

test("no batch, zeros and NaN are errors", async () => {
  await expect(normFactors(batches())).rejects.toMatchObject({ code: "USAGE" });
  await expect(normFactors(batches([0, 0], [0, 0]))).rejects.toMatchObject({ code: "FORMAT", message: "embed: expected activations with a finite norm above zero, got 0 on average" });
  await expect(normFactors(batches([1], [NaN]))).rejects.toMatchObject({ code: "FORMAT" });
  await expect(normFactors(batches([1]), { batches: 0 })).rejects.toThrow("normFactors: expected batches to be a whole number of at least 1, got 0");
});
