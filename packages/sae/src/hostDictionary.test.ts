import { devices, readOracle } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { dense, expectNear, jsonOracle, openOracle, openSafetensorsOracle, support } from "../test/oracles.js";
import { type Config, evaluateActivations, foldActivationScale, foldDecoderBias, formatNamed, openHostDictionary, type HostDictionary } from "./index.js";

const [{ device: cpu }] = await devices();
const device = cpu!;
const read = async (name: string): Promise<HostDictionary> =>
  formatNamed("saelens").read(await openSafetensorsOracle(`formats/saelens/${name}/sae_weights.safetensors`), { subject: name, config: jsonOracle(`formats/saelens/${name}/cfg.json`) });

test.each([
  ["jumprelu_layer_norm", "JumpReluAutoEncoder", "layer_norm"],
  ["standard_constant_norm", "AutoEncoderNew", "constant_norm_rescale"],
  ["skip_transcoder", "AutoEncoderNew", "skip connection"],
])("%s: features alone are refused, since they don't say what is decoded", async (name, kind, why) => {
  const dictionary = openHostDictionary(device, await read(name));
  const features = dictionary.encode(device.tensor(Float32Array.from({ length: 12 }, (_, d) => d), [1, 12]));
  expect(() => dictionary.decode(features)).toThrow(expect.objectContaining({ code: "USAGE", message: `${kind}: expected x beside the features (${why}), got features alone` }));
  features.dispose();
  dictionary.dispose();
});

test.each([["transcoder", 16], ["skip_transcoder", 12]])("%s is not evaluated as if it gave x again", async (name, O) => {
  const dictionary = openHostDictionary(device, await read(name));
  await expect(evaluateActivations(dictionary, [])).rejects.toMatchObject({ code: "UNSUPPORTED", message: `AutoEncoderNew: expected an autoencoder, which gives its activations again, got a transcoder (12 to ${O})` });
  dictionary.dispose();
});

describe.each(await devices())("on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each(["GatedAutoEncoder", "JumpReluAutoEncoder", "AutoEncoderTopK", "BatchTopKSAE", "MatryoshkaBatchTopKSAE"])("%s: taking b from x or not, and its bias changed by W b in its place, are the same", async (name) => {
    const x = readOracle(`formats/dl/${name}/io.safetensors`).x.data as Float32Array;
    const plain = await formatNamed("dictionary-learning").read(await openOracle(`formats/dl/${name}/ae.pt`), { subject: name, config: jsonOracle(`formats/dl/${name}/config.json`) as Config });
    const other = { ...plain, applyDecoderBiasToInput: !plain.kind.centred };
    const [own, before, after] = [plain, other, foldDecoderBias(other)].map((host) => openHostDictionary(device!, host));
    await device!.scope(async () => {
      const rows = device!.tensor(x, [20, 12]);
      const [a, b, c] = [await dense(own.encode(rows)), await dense(before.encode(rows)), await dense(after.encode(rows))];
      expect(support(c)).toEqual(support(b));
      expectNear(c, b);
      expect(support(a)).not.toEqual(support(b)); // it does make a difference
      // and by hand: the features of x are those of x + b to one that takes b from it, and the other way round
      const sign = plain.kind.centred ? 1 : -1;
      const { decoderBias } = plain.weights as { decoderBias: Float32Array };
      const moved = device!.tensor(x.map((value, i) => value + sign * decoderBias[i % 12]), [20, 12]);
      expectNear(b, await dense(own.encode(moved)));
    });
    for (const dictionary of [own, before, after]) dictionary.dispose();
  });
});

test.each([0, -1, NaN, Infinity])("a scale of %s is refused", async (scale) => {
  const host = await read("standard_expected_average");
  expect(() => foldActivationScale(host, scale)).toThrow(`AutoEncoder: expected a scale of the activations > 0, got ${scale}`);
});
