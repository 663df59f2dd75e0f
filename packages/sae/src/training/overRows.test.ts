import { mul, normRows, valueAndGradients } from "@dictlearn/kernels";
import { devices, expectClose, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { objective } from "../trainers/standard.js";
import { fractionExplained, momentsOf } from "./explained.js";
import { eachRow, overRows } from "./overRows.js";

const [B, D, F] = [11, 6, 9];
describe.each(await devices())("on $name", ({ device, skipped }) => {
  const parametersAnd = () => ({
    x: device!.tensor(seededNormal(1, B * D), [B, D]),
    parameters: {
      decoderBias: device!.tensor(seededNormal(2, D), [D]),
      encoder: device!.tensor(seededNormal(3, F * D), [F, D]),
      encoderBias: device!.tensor(seededNormal(4, F), [F]),
      decoder: device!.tensor(seededNormal(5, F * D), [F, D]),
    },
  });

  test.skipIf(skipped).each([1, 4, 10, 11])("rows %s at a time give the means and gradients of all at once", (atOnce) =>
    device!.scope(async () => {
      const { x, parameters } = parametersAnd();
      const whole = valueAndGradients(parameters, (p) => objective(p, x, { penalty: 0.3 }));
      const live = device!.scopes.live;
      const parts = overRows(parameters, x, { places: F, atOnce }, (p, rows) => {
        const { loss, l1, error } = objective(p, rows, { penalty: 0.3 });
        return { loss, l1, moments: momentsOf(rows, error) };
      });
      const norms = eachRow(x, { places: F, atOnce }, (rows) => normRows(mul(rows, rows)));
      expect(device!.scopes.live).toBe(live + 2 + 4 + 4 + 1); // nothing but the results is left
      for (const name of ["loss", "l1"] as const) expectClose(await parts.value[name].read(), await whole.value[name].read(), { relative: 1e-5 });
      for (const name of Object.keys(parameters) as (keyof typeof parameters)[]) expectClose(await parts.gradients[name].read(), await whole.gradients[name].read(), { absolute: 1e-5, relative: 1e-5 });

      expectClose(await norms.read(), Array.from({ length: B }, (_, b) => Math.hypot(...seededNormal(1, B * D).subarray(b * D, (b + 1) * D).map((v) => v * v))), { relative: 1e-6 });

      const explained = await fractionExplained(parts.value.moments).read();
      const variance = (data: Float32Array) => Array.from({ length: D }, (_, d) => Array.from({ length: B }, (_row, b) => data[b * D + d])).reduce((sum, column) => sum + column.reduce((squares, v) => squares + (v - column.reduce((a, c) => a + c) / B) ** 2, 0), 0);
      expectClose(explained, [1 - variance((await whole.value.error.read()) as Float32Array) / variance((await x.read()) as Float32Array)], { absolute: 1e-5, relative: 1e-5 });
    }),
  );
});
