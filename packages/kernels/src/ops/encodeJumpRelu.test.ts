import { add, decodeSparse, encodeJumpRelu, encodeThreshold, jumpReluL0, linear, mul, scale, sum, valueAndGradients, type Device, type Tensor } from "@dictlearn/kernels";
import { devices, expectClose, seededNormal, seededUniform, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const bandwidth = 0.5;
const slope = 0.75;

/** Thresholds of either sign, some so small that what is off lies in their window. */
const given = (B: number, D: number, F: number) => ({
  x: [seededNormal(1, B * D), [B, D]] as Input,
  encoder: [seededNormal(2, F * D), [F, D]] as Input,
  bias: [seededNormal(3, F), [F]] as Input,
  threshold: [seededUniform(4, F).map((v) => 2 * v - 0.7), [F]] as Input,
  decoder: [seededNormal(5, F * D), [F, D]] as Input,
  weights: [seededNormal(6, B * D), [B, D]] as Input,
});
type Names = keyof ReturnType<typeof given>;
const upload = (device: Device, inputs: ReturnType<typeof given>) => Object.fromEntries(Object.entries(inputs).map(([name, [data, shape]]) => [name, device.tensor(data, shape)])) as Record<Names, Tensor>;

/** What the original computes, on all of [B,F]: f = h 1[h > θ], L0 = <Σ 1[f > θ]>, and the slopes of Σ weights·(f decoder) + slope L0. */
function dense(B: number, D: number, F: number) {
  const { x, encoder, bias, threshold, decoder, weights } = Object.fromEntries(Object.entries(given(B, D, F)).map(([name, [data]]) => [name, data])) as Record<Names, Float32Array>;
  const near = (u: number) => (Math.abs(u / bandwidth) < 0.5 ? 1 : 0);
  const [dx, dEncoder, dBias, dThreshold, features] = [new Float64Array(B * D), new Float64Array(F * D), new Float64Array(F), new Float64Array(F), new Float64Array(B * F)];
  let l0 = 0;
  for (let b = 0; b < B; b++)
    for (let f = 0; f < F; f++) {
      let [h, df] = [bias[f], 0];
      for (let d = 0; d < D; d++) {
        h += x[b * D + d] * encoder[f * D + d];
        df += weights[b * D + d] * decoder[f * D + d];
      }
      const [theta, on] = [threshold[f], h > threshold[f]];
      const value = (features[b * F + f] = on ? h : 0);
      if (value > theta) l0 += 1 / B;
      dThreshold[f] -= (theta / bandwidth) * near(h - theta) * df + (near(value - theta) * slope) / bandwidth / B;
      if (!on) continue;
      dBias[f] += df;
      for (let d = 0; d < D; d++) {
        dEncoder[f * D + d] += df * x[b * D + d];
        dx[b * D + d] += df * encoder[f * D + d];
      }
    }
  return { features, l0, slopes: { x: dx, encoder: dEncoder, bias: dBias, threshold: dThreshold } };
}

describe.each(await devices())("JumpReLU on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped).each([
    [1, 1, 1],
    [7, 3, 5],
    [31, 5, 67],
  ])("%i rows of %i in %i features: values, L0 and all slopes are those of the original on dense features", async (B, D, F) => {
    const expected = dense(B, D, F);
    await device.scope(async () => {
      const { decoder, weights, ...parameters } = upload(device, given(B, D, F));
      const { value, gradients } = valueAndGradients(parameters, (p) => {
        const jump = encodeJumpRelu(p.x, p.encoder, p.bias, p.threshold, { bandwidth });
        const l0 = jumpReluL0(jump, p.threshold, { bandwidth });
        return { l0, loss: add(sum(mul(decodeSparse(jump.features, decoder), weights)), scale(l0, slope)), features: jump.features };
      });
      const { rowStart, index, values } = await value.features.read();
      const got = new Float64Array(B * F);
      for (let b = 0; b < B; b++) for (let e = rowStart[b]; e < rowStart[b + 1]; e++) got[b * F + index[e]] = values[e];
      expectClose(got, expected.features, { absolute: 1e-5 });
      expectClose(await value.l0.read(), [expected.l0], { relative: 1e-6 });
      for (const [name, slopes] of Object.entries(expected.slopes)) expectClose(await gradients[name as keyof typeof gradients].read(), slopes, { absolute: 1e-4, relative: 1e-5 });
    });
  });

  test.skipIf(skipped)("with thresholds in use: relu first, then what is above its own or the one for all", async () => {
    const [B, D, F] = [9, 4, 33];
    await device.scope(async () => {
      const { x, encoder, bias, threshold } = upload(device, given(B, D, F));
      const h = await linear(x, encoder, bias).read();
      for (const [limit, of] of [[threshold, (f: number) => given(B, D, F).threshold[0][f]], [device.tensor(Float32Array.of(0.25), [1]), () => 0.25]] as const) {
        const { index, values } = await encodeThreshold(x, encoder, bias, limit).read();
        const kept = [...h.keys()].filter((i) => h[i] > 0 && h[i] > of(i % F));
        expect([...index]).toEqual(kept.map((i) => i % F));
        expect([...values]).toEqual(kept.map((i) => h[i]));
      }
    });
  });

  test.skipIf(skipped)("what does not fit is named, and a threshold in use has no gradient", () => {
    device.scope(() => {
      const [x, encoder, bias, threshold] = [device.zeros([8, 4]), device.zeros([16, 4]), device.zeros([16]), device.zeros([4])];
      expect(() => encodeJumpRelu(x, encoder, bias, threshold, { bandwidth })).toThrow("encodeJumpRelu: expected threshold f32[16], got f32[4] (encoder is f32[16,4])");
      expect(() => encodeJumpRelu(x, encoder, bias, bias, { bandwidth: 0 })).toThrow("encodeJumpRelu: expected bandwidth > 0, got 0");
      expect(() => encodeThreshold(x, encoder, bias, threshold)).toThrow("encodeThreshold: expected threshold f32[16], got f32[4]");
      expect(() => valueAndGradients({ bias }, () => sum(decodeSparse(encodeThreshold(x, encoder, device.zeros([16]), bias), encoder)))).toThrow("encodeThreshold: expected its vjp to give the gradient of threshold, got none");
    });
  });
});
