import { devices } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { jsonOracle, openSafetensorsOracle } from "../test/oracles.js";
import { evaluateActivations, foldActivationScale, formatNamed, openHostDictionary, type HostDictionary } from "./index.js";

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

test.each([0, -1, NaN, Infinity])("a scale of %s is refused", async (scale) => {
  const host = await read("standard_expected_average");
  expect(() => foldActivationScale(host, scale)).toThrow(`AutoEncoder: expected a scale of the activations > 0, got ${scale}`);
});
