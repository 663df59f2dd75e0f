import { byFeature } from "@dictlearn/kernels";
import { devices, expectReference, runOn, seededFeatures, seededNormal, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { jumpAt, jumpCounts, jumpSlopes } from "./jumpRelu.js";

const bandwidth = 0.25;

describe.each(await devices())("JumpReLU at entries on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [1, 1, 1],
    [5, 7, 3],
    [300, 67, 60], // 9,000 entries: past a task
  ])("%i rows, %i features, up to %i entries", async (B, F, most) => {
    const [rowStart, index, values] = seededFeatures(1, B, F, most);
    // the places past the entries too: there the ops work on whatever stands there
    const inside: Input = [index[0].map((f) => Math.min(f, F - 1)) as Uint32Array, index[1]];
    const threshold: Input = [seededNormal(7, F).map((v) => v / 3), [F]];
    const slopes: Input = [seededNormal(8, values[0].length), values[1]];
    await expectReference(device!, [inside, values, threshold], jumpAt);
    await expectReference(
      device!,
      [inside, values, threshold, slopes],
      (index, pre, threshold, slopes) => {
        const both = jumpSlopes({ index, pre, threshold, slopes }, { bandwidth });
        return [both.pre, both.threshold];
      },
      { relative: 1e-6 },
    );
    await expectReference(device!, [rowStart, index, values, threshold], (rowStart, index, pre, threshold) => {
      const counts = jumpCounts(byFeature(rowStart, index, { F }), pre, threshold, { B, bandwidth });
      return [counts.active, counts.near];
    });
  });

  test.skipIf(skipped)("the window is open, a value at the threshold is off, NaN is on", async () => {
    const pre = Float32Array.of(0.5, 0.375, 0.625, 0.376, 0.624, NaN);
    const inputs: Input[] = [[new Uint32Array(6), [6]], [pre, [6]], [Float32Array.of(0.5), [1]], [new Float32Array(6).fill(1), [6]]];
    expect([...(await runOn(device!, inputs.slice(0, 3), jumpAt))[0]]).toEqual([0, 0, pre[2], 0, pre[4], NaN]);
    const [dPre, dThreshold] = await runOn(device!, inputs, (index, pre, threshold, slopes) => Object.values(jumpSlopes({ index, pre, threshold, slopes }, { bandwidth })));
    expect([...dPre]).toEqual([0, 0, 1, 0, 1, 1]);
    expect([...dThreshold]).toEqual([-2, 0, 0, -2, -2, 0]);
  });
});
