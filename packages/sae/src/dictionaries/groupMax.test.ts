import { devices, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { dense } from "../../test/oracles.js";
import { groupMax } from "../index.js";

describe.each(await devices())("on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [1, 1, 1],
    [7, 30, 1],
    [7, 30, 30],
    [3, 1001, 7],
    [300, 77, 11],
  ])("%i rows of %i features in %i groups: the largest of each, if it is above 0", async (B, F, k) => {
    // the encoder is one column and x one number, so that pre-activations are their product: exact in any order of sums
    const [x, encoder] = [seededNormal(B, B), seededNormal(F, F)];
    const dictionary = groupMax(device!, { k, encoder, encoderBias: new Float32Array(F), decoder: encoder, decoderBias: new Float32Array(1) });
    const got = await device!.scope(() => dense(dictionary.encode(device!.tensor(x, [B, 1]))));
    dictionary.dispose();

    const expected = new Float32Array(B * F);
    for (let b = 0; b < B; b++)
      for (let group = 0; group < F; group += F / k) {
        const products = [...encoder.subarray(group, group + F / k)].map((w) => Math.fround(w * x[b]));
        const most = Math.max(...products);
        expected[b * F + group + products.indexOf(most)] = Math.max(0, most);
      }
    expect([...got]).toEqual([...expected]);
  });

  test.skipIf(skipped)("of equal features the first is kept", async () => {
    const ones = new Float32Array(6).fill(1);
    const dictionary = groupMax(device!, { k: 2, encoder: ones, encoderBias: new Float32Array(6), decoder: ones, decoderBias: new Float32Array(1) });
    expect([...(await device!.scope(() => dense(dictionary.encode(device!.tensor(Float32Array.of(2), [1, 1])))))]).toEqual([2, 0, 0, 2, 0, 0]);
    dictionary.dispose();
  });
});
