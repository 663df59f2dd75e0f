import { savedAutoEncoderTopK, type TopKWeights, withoutThreshold } from "../dictionaries/autoEncoderTopK.js";
import { groupMaxClass, type GroupMaxWeights } from "../dictionaries/groupMax.js";
import { DictionaryError } from "../error.js";
import { dimensionsOf, expectWeightsAlone, foldDecoderBias, type HostDictionary } from "../hostDictionary.js";
import { flag, said, wholeNumber } from "./configValue.js";
import { type Format } from "./format.js";
import { difference, readWeights } from "./readWeights.js";
import { type Layout } from "./savedClass.js";
import { stateDict } from "./writeDictionaryLearning.js";

type Weights = Omit<GroupMaxWeights, "k">;

const layout: Layout<Weights> = {
  name: "SparseCoder",
  tensors: {
    encoder: { name: "encoder.weight", shape: ["F", "D"] },
    encoderBias: { name: "encoder.bias", shape: ["F"] },
    decoder: { name: "W_dec", shape: ["F", "D"] },
    decoderBias: { name: "b_dec", shape: ["D"] },
  },
};
const withSkip: Layout<Weights & { skip: Float32Array }> = { ...layout, tensors: { ...layout.tensors, skip: { name: "W_skip", shape: ["O", "D"] } } };

/** By `activation` of cfg.json. */
const activations = {
  topk: (weights: Weights, k: number) => ({ kind: savedAutoEncoderTopK, weights: { ...weights, k, threshold: -1 } }),
  groupmax: (weights: Weights, k: number) => ({ kind: groupMaxClass, weights: { ...weights, k } }),
};

/** EleutherAI's sparsify: `sae.safetensors` with `cfg.json` in a folder named after its hook point. */
export const sparsify: Format = {
  name: "sparsify",
  library: "sparsify",
  files: { weights: "sae.safetensors", config: "cfg.json" },
  container: "safetensors",
  mark: "num_latents or expansion_factor",
  configless: false,
  claims: (config) => ("num_latents" in config || "expansion_factor" in config) && !("d_sae" in config),
  fits: (names) => [layout, withSkip].some((known) => Object.values(difference(known, names)).flat().length === 0),

  async read(file, { subject, config: cfg = {}, encodeOnly }): Promise<HostDictionary> {
    const D = wholeNumber(cfg, "d_in", subject);
    const F = cfg.num_latents ? wholeNumber(cfg, "num_latents", subject) : D * wholeNumber({ expansion_factor: 32, ...cfg }, "expansion_factor", subject);
    const k = wholeNumber({ k: 32, ...cfg }, "k", subject);
    const named = cfg.activation ?? "topk";
    const activation = named === "topk" || named === "groupmax" ? activations[named] : undefined;
    if (!activation || flag(cfg, "signed", subject, false))
      throw new DictionaryError("UNSUPPORTED", `${subject}: expected activation topk or groupmax, not signed, got ${said({ activation: cfg.activation, signed: cfg.signed })} (cfg.json)`);

    const transcoder = flag(cfg, "transcode", subject, false);
    const known: Layout<Weights & { skip?: Float32Array }> = flag(cfg, "skip_connection", subject, false) ? (withSkip as Layout<Weights>) : layout;
    const { skip, ...weights } = await readWeights({ ...known, dimensions: { D, F, O: D } }, file, subject, encodeOnly ? { decoder: "nothing" } : {});
    const made = activation(weights, k) as HostDictionary;
    const wrong = made.kind.wrong?.(made.weights);
    if (wrong) throw new DictionaryError("FORMAT", `${subject}: expected ${wrong} (cfg.json)`);
    return {
      ...made,
      ...(transcoder && { applyDecoderBiasToInput: false, output: { D } }),
      ...(skip && { skip }),
    };
  },

  write(host) {
    const { output, skip } = host;
    const { kind, weights, changes = [] } = output ? host : foldDecoderBias(host); // a transcoder takes no bias from x there
    const { name } = kind;
    const activation = kind === savedAutoEncoderTopK ? "topk" : kind === groupMaxClass ? "groupmax" : undefined;
    if (!activation) throw new DictionaryError("UNSUPPORTED", `${name}: expected AutoEncoderTopK for sparsify, which keeps the k largest features, got ${name}`);
    expectWeightsAlone({ ...host, output: undefined, skip: undefined });
    const { D, F } = dimensionsOf(host);
    if (output && (output.D !== D || host.applyDecoderBiasToInput !== false))
      throw new DictionaryError("UNSUPPORTED", `${name}: expected a transcoder of plain x to as many dimensions, ${D}, for sparsify, got one to ${output.D}${host.applyDecoderBiasToInput === false ? "" : " that takes the decoder's bias from x"}`);
    const { k, threshold } = weights as TopKWeights; // a GroupMax has no threshold
    return {
      as: activation,
      changes: threshold >= 0 ? [...changes, withoutThreshold] : changes,
      tensors: skip ? stateDict({ ...withSkip, dimensions: { D, F, O: D } }, { ...(weights as Weights), skip }) : stateDict(layout, weights as Weights),
      config: { activation, expansion_factor: 32, normalize_decoder: true, num_latents: F, k, multi_topk: false, skip_connection: skip !== undefined, transcode: output !== undefined, d_in: D },
    };
  },
};
