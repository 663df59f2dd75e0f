import { type AutoEncoderWeights, savedAutoEncoder } from "../dictionaries/autoEncoder.js";
import { savedAutoEncoderNew } from "../dictionaries/autoEncoderNew.js";
import { savedAutoEncoderTopK, type TopKWeights, withoutThreshold } from "../dictionaries/autoEncoderTopK.js";
import { savedBatchTopK } from "../dictionaries/batchTopK.js";
import { type GatedWeights, savedGatedAutoEncoder } from "../dictionaries/gatedAutoEncoder.js";
import { type JumpReluWeights, savedJumpReluAutoEncoder } from "../dictionaries/jumpReluAutoEncoder.js";
import { type MatryoshkaWeights, savedMatryoshkaBatchTopK } from "../dictionaries/matryoshkaBatchTopK.js";
import { DictionaryError } from "../error.js";
import { dimensionsOf, foldDecoderNorms, type HostDictionary, type Origin } from "../hostDictionary.js";
import { type InputNorm, inputNorms } from "../inputNorm.js";
import { weight } from "../weight.js";
import { flag, numberOf, said, textOf, wholeNumber } from "./configValue.js";
import { type Config, type Format } from "./format.js";
import { difference, listed, readWeights, type TensorFile } from "./readWeights.js";
import { type DictionaryClass, type Layout } from "./savedClass.js";
import { hookName } from "./siteName.js";
import { stateDict } from "./writeDictionaryLearning.js";

/** An `architecture` of cfg.json: its tensors, and the dictionary that they make. */
interface Architecture<W extends object> extends Omit<Layout<W>, "dimensions"> {
  /** The class, and what of its weights is in cfg.json. */
  dictionary(weights: W, from: From): Pick<HostDictionary, "kind" | "weights">;
  /** Whether features count times their decoder's norm, unless cfg.json says otherwise; where that can't be, nothing. */
  readonly rescaled?: boolean;
  readonly transcoder?: true;
}
interface From {
  readonly cfg: Config;
  readonly subject: string;
  readonly centred: boolean;
}

const of = <W extends object>(kind: DictionaryClass<W>, weights: W) => ({ kind: kind as DictionaryClass<object>, weights });

const shared = {
  encoder: { name: "W_enc", shape: ["D", "F"] },
  decoder: { name: "W_dec", shape: ["F", "O"] },
  decoderBias: { name: "b_dec", shape: ["O"] },
} as const;
const relu = { ...shared, encoderBias: { name: "b_enc", shape: ["F"] } } as const;
const threshold = { name: "threshold", shape: ["F"] } as const;
const batchThreshold = { name: "topk_threshold", shape: [] } as const;
const skip = { name: "W_skip", shape: ["O", "D"] } as const;

const standard: Architecture<AutoEncoderWeights> = {
  name: "standard",
  tensors: relu,
  dictionary: (weights, { centred }) => of(centred ? savedAutoEncoder : savedAutoEncoderNew, weights),
};
const gated: Architecture<GatedWeights> = {
  name: "gated",
  tensors: { ...shared, gateBias: { name: "b_gate", shape: ["F"] }, magnitudeBias: { name: "b_mag", shape: ["F"] }, magnitudeLog: { name: "r_mag", shape: ["F"] } },
  dictionary: (weights) => of(savedGatedAutoEncoder, weights),
};
const jumpRelu: Architecture<JumpReluWeights> = {
  name: "jumprelu",
  tensors: { ...relu, threshold },
  dictionary: (weights) => of(savedJumpReluAutoEncoder, weights),
};
const topK: Architecture<Omit<TopKWeights, "k" | "threshold">> = {
  name: "topk",
  tensors: relu,
  rescaled: false,
  dictionary: (weights, { cfg, subject }) => of(savedAutoEncoderTopK, { ...weights, k: wholeNumber({ ...(cfg.activation_fn_kwargs as Config | undefined), ...cfg }, "k", subject), threshold: -1 }),
};
/** As it was trained; for use SAELens makes a jumprelu of it. */
const batchTopK: Architecture<Omit<TopKWeights, "k">> = {
  name: "batchtopk",
  tensors: { ...relu, threshold: batchThreshold },
  rescaled: true,
  dictionary: (weights, from) => of(savedBatchTopK, { ...weights, k: meanK(from) }),
};
const matryoshka: Architecture<Omit<TopKWeights, "k">> = {
  ...batchTopK,
  name: "matryoshka_batchtopk",
  dictionary: (weights, from) => of(savedMatryoshkaBatchTopK, { ...weights, k: meanK(from), groupSizes: groupSizes(from, weights.encoderBias.length) }),
};
const transcoder: Architecture<AutoEncoderWeights> = { ...standard, name: "transcoder", transcoder: true };
const jumpReluTranscoder: Architecture<JumpReluWeights> = { ...jumpRelu, name: "jumprelu_transcoder", transcoder: true };
const skipTranscoder = { ...transcoder, name: "skip_transcoder", tensors: { ...relu, skip } };
const jumpReluSkipTranscoder = { ...jumpReluTranscoder, name: "jumprelu_skip_transcoder", tensors: { ...relu, threshold, skip } };

/** Every architecture that can be read. */
const architectures: readonly Architecture<object>[] = [standard, gated, jumpRelu, topK, batchTopK, matryoshka, transcoder, skipTranscoder, jumpReluTranscoder, jumpReluSkipTranscoder];

/** Every class that can be written: what it becomes, with which weights, and what of them goes into cfg.json. */
const forms = [
  form(savedAutoEncoder, standard),
  form(savedAutoEncoderNew, standard, { transcoders: [transcoder, skipTranscoder] }),
  form(savedGatedAutoEncoder, gated),
  form(savedJumpReluAutoEncoder, jumpRelu, { transcoders: [jumpReluTranscoder, jumpReluSkipTranscoder] }),
  form(savedAutoEncoderTopK, topK, { cfg: ({ k }) => ({ k, rescale_acts_by_decoder_norm: false }), change: ({ threshold }) => (threshold >= 0 ? withoutThreshold : undefined) }),
  form(savedBatchTopK, jumpRelu, { weights: withThresholds, change: () => "the threshold is written for each feature; k, which counts in training only, is left out" }),
  form(savedMatryoshkaBatchTopK, jumpRelu, { weights: withThresholds, change: () => "the threshold is written for each feature; k and the groups, which count in training only, are left out" }),
];

/**
 * SAELens: `sae_weights.safetensors` with `cfg.json`, of any version. `expected_average_only_in` is no part of the dictionary
 * there, nor here: whoever knows the factor folds it in (`foldActivationScale`).
 */
export const saeLens: Format = {
  name: "saelens",
  library: "SAELens",
  files: { weights: "sae_weights.safetensors", config: "cfg.json" },
  container: "safetensors",
  mark: "d_sae",
  configless: false,
  claims: (config) => "d_sae" in config,
  fits: (names) => architectures.some((architecture) => Object.values(difference(architecture, names)).flat().length === 0),

  async read(tensors, { subject, config: cfg = {}, encodeOnly }) {
    const architecture = architectureOf(cfg, subject);
    const D = wholeNumber(cfg, "d_in", subject);
    const O = cfg.d_out === undefined ? D : wholeNumber(cfg, "d_out", subject);
    const dimensions = { D, F: wholeNumber(cfg, "d_sae", subject), O };
    const centred = flag(cfg, "apply_b_dec_to_input", subject, !architecture.transcoder);
    const inputNorm = inputNormOf(cfg, subject);
    if (architecture.transcoder ? centred || inputNorm : O !== D)
      throw new DictionaryError("UNSUPPORTED", `${subject}: expected ${architecture.transcoder ? "a transcoder without apply_b_dec_to_input and normalize_activations" : `d_out = ${D} for ${architecture.name}`}, got ${said({ apply_b_dec_to_input: centred, normalize_activations: inputNorm, d_out: O })} (cfg.json)`);

    const file = await asSavedNow(tensors, subject);
    const rescaled = architecture.rescaled !== undefined && flag(cfg, "rescale_acts_by_decoder_norm", subject, architecture.rescaled);
    const { skip, ...read } = (await readWeights<object>({ ...architecture, dimensions }, file, subject, encodeOnly && !rescaled ? { decoder: "nothing" } : {})) as { skip?: Float32Array };
    const weights = rescaled ? foldDecoderNorms(read as TopKWeights, subject) : read;
    const made = architecture.dictionary(weights, { cfg, subject, centred });
    const wrong = made.kind.wrong?.(made.weights);
    if (wrong) throw new DictionaryError("FORMAT", `${subject}: expected ${wrong} (cfg.json)`);
    const changes = [...file.changes, ...(rescaled ? ["rescale_acts_by_decoder_norm: the decoder's rows are unit vectors now, encoder and its bias multiplied by their norms"] : [])];
    return {
      ...made,
      ...(changes.length && { changes }),
      ...(made.kind.centred !== centred && { applyDecoderBiasToInput: centred }),
      ...(inputNorm && { inputNorm }),
      ...(outside.includes(cfg.normalize_activations) && { scaledOutside: true }),
      ...(architecture.transcoder && { output: { D: O } }),
      ...(skip && { skip }),
      origin: originOf(cfg),
    };
  },

  write(host) {
    const { kind, weights, inputNorm, origin = {}, changes = [] } = host;
    const found = forms.find((form) => form.kind === kind);
    if (!found) throw new DictionaryError("UNSUPPORTED", `${kind.name}: expected ${listed(forms.map((form) => form.kind.name))} for SAELens, got ${kind.name}`);
    const { weights: changed, cfg, change, ...form } = found.form(weights);
    const architecture = host.output || host.skip ? transcoderOf(host, form.transcoders) : form.architecture;
    const { D, F } = dimensionsOf(host);
    const O = host.output?.D ?? D;
    const hook = origin.site === undefined ? undefined : hookName(origin.site);
    return {
      as: architecture.name,
      changes: change === undefined ? changes : [...changes, change],
      tensors: stateDict({ ...architecture, dimensions: { D, F, O } }, { ...changed, ...(host.skip && { skip: host.skip }) }),
      config: {
        d_in: D,
        d_sae: F,
        dtype: "float32",
        device: "cpu",
        apply_b_dec_to_input: host.applyDecoderBiasToInput ?? kind.centred,
        normalize_activations: inputNorm ?? (host.scaledOutside ? "expected_average_only_in" : "none"),
        reshape_activations: hook?.endsWith("hook_z") ? "hook_z" : "none",
        metadata: {
          sae_lens_training_version: null,
          ...origin.metadata,
          sae_lens_version: version,
          ...(origin.model !== undefined && { model_name: origin.model }),
          ...(hook !== undefined && { hook_name: hook, hook_head_index: origin.metadata?.hook_head_index ?? null }),
          ...(origin.contextLength !== undefined && { context_size: origin.contextLength }),
        },
        ...cfg,
        ...(host.output && { d_out: O }),
        architecture: architecture.name,
      },
    };
  },
};

/** The architecture of a transcoder: [without, with a skip connection]. */
function transcoderOf({ kind, output, skip, inputNorm, applyDecoderBiasToInput }: HostDictionary, architectures?: readonly Architecture<object>[]): Architecture<object> {
  if (!output) throw new DictionaryError("UNSUPPORTED", `${kind.name}: expected an autoencoder or a transcoder to write, got an autoencoder with a skip connection`);
  if (!architectures) throw new DictionaryError("UNSUPPORTED", `${kind.name}: expected AutoEncoderNew or JumpReluAutoEncoder for SAELens' transcoders, got ${kind.name}`);
  if (inputNorm || applyDecoderBiasToInput) throw new DictionaryError("UNSUPPORTED", `${kind.name}: expected a transcoder of plain inputs to write, got ${inputNorm ?? "one that takes the decoder's bias from x"}`);
  return architectures[skip ? 1 : 0];
}

/** Whose cfg.json is written. */
const version = "6.18.0";

function form<W extends object, A extends object = W>(kind: DictionaryClass<W>, architecture: Architecture<A>, { weights = (w) => w as unknown as A, cfg = () => ({}), change = () => undefined, transcoders }: { transcoders?: readonly [Architecture<A>, Architecture<A>]; weights?(w: W): A; cfg?(w: W): Config; /** What is not as it was. */ change?(w: W): string | undefined } = {}) {
  return { kind: kind as DictionaryClass<object>, form: (w: object) => ({ architecture: architecture as unknown as Architecture<object>, weights: weights(w as W) as object, cfg: cfg(w as W), change: change(w as W), transcoders: transcoders as unknown as readonly Architecture<object>[] | undefined }) };
}

/** One threshold for all, repeated: y > θ is the same with y before and behind its ReLU, also below 0. */
function withThresholds({ threshold, encoderBias, encoder, decoder, decoderBias }: TopKWeights | MatryoshkaWeights): JumpReluWeights {
  return { encoder, encoderBias, decoder, decoderBias, threshold: new Float32Array(encoderBias.length).fill(threshold) };
}

function architectureOf(cfg: Config, subject: string): Architecture<object> {
  const activation = cfg.activation_fn_str ?? cfg.activation_fn ?? "relu"; // before version 6
  if (activation !== "relu" && activation !== "topk") throw new DictionaryError("UNSUPPORTED", `${subject}: expected activation_fn_str relu or topk, got ${said(activation)} (cfg.json)`);
  const name = activation === "topk" ? "topk" : (cfg.architecture ?? "standard");
  const found = architectures.find((architecture) => architecture.name === name);
  if (!found) throw new DictionaryError("UNSUPPORTED", `${subject}: expected architecture ${listed(architectures.slice(0, 6).map(({ name }) => name))} or a transcoder, got ${said(name)} (cfg.json)`);
  if (cfg.finetuning_scaling_factor === true) throw new DictionaryError("UNSUPPORTED", `${subject}: expected no finetuning_scaling_factor, got true (cfg.json)`);
  return found;
}

/** Normalisation that SAELens leaves to whoever makes the activations; `true` before version 6. */
const outside: readonly unknown[] = ["expected_average_only_in", true];

function inputNormOf(cfg: Config, subject: string): InputNorm | undefined {
  const mode = cfg.normalize_activations ?? "none";
  const norm = inputNorms.find((name) => name === mode);
  if (!norm && mode !== "none" && mode !== false && !outside.includes(mode)) throw new DictionaryError("UNSUPPORTED", `${subject}: expected normalize_activations none, expected_average_only_in, ${inputNorms.join(" or ")}, got ${said(mode)} (cfg.json)`);
  return norm;
}

/** The file without what older versions put in: scaling_factor, which must be ones, and log_threshold. */
async function asSavedNow(file: TensorFile, subject: string): Promise<TensorFile & Required<Pick<HostDictionary, "changes">>> {
  if (file.names.includes("scaling_factor")) {
    const factor = weight(subject, "scaling_factor", await file.read("scaling_factor"));
    const at = factor.findIndex((value) => Math.abs(value - 1) > 1e-8 + 1e-5); // torch.allclose
    if (at >= 0) throw new DictionaryError("UNSUPPORTED", `${subject}: expected a scaling_factor of ones, got ${factor[at]} at ${at}`, "fold it into W_dec first");
  }
  const logs = file.names.includes("log_threshold") && !file.names.includes("threshold");
  return {
    changes: logs ? ["log_threshold: e to its power is the threshold"] : [],
    names: file.names.filter((name) => name !== "scaling_factor").map((name) => (logs && name === "log_threshold" ? "threshold" : name)),
    info: (name) => file.info(logs && name === "threshold" ? "log_threshold" : name),
    async read(name) {
      if (!logs || name !== "threshold") return file.read(name);
      return { dtype: "f32", data: weight(subject, "log_threshold", await file.read("log_threshold")).map(Math.exp) };
    },
  };
}

/** The mean number of features in training, of which use knows nothing; here a whole one. */
function meanK({ cfg, subject }: From): number {
  const { k } = cfg;
  if (typeof k === "number" && k > 0 && Number.isFinite(k)) return Math.max(1, Math.floor(k));
  throw new DictionaryError("FORMAT", `${subject}: expected k to be a number > 0, got ${said(k)} (cfg.json)`);
}

/** `matryoshka_widths` says where groups end; the last one, at F, may be left out. */
function groupSizes({ cfg, subject }: From, F: number): number[] {
  const widths: unknown = cfg.matryoshka_widths;
  const ends = Array.isArray(widths) ? [...(widths as unknown[]), ...(widths.at(-1) === F ? [] : [F])] : [];
  const places = ends.map((end) => (typeof end === "number" ? end : NaN)); // what is no number may not even turn into one
  const sizes = places.map((end, i) => end - (i ? places[i - 1] : 0));
  if (sizes.length && sizes.every((size) => Number.isSafeInteger(size) && size > 0)) return sizes;
  throw new DictionaryError("FORMAT", `${subject}: expected matryoshka_widths that ascend to ${F}, got ${said(widths)} (cfg.json)`);
}

/** What SAELens keeps of where activations came from: in `metadata`, before version 6 beside everything else. */
const metadataKeys = ["model_name", "hook_name", "model_class_name", "hook_head_index", "model_from_pretrained_kwargs", "prepend_bos", "exclude_special_tokens", "neuronpedia_id", "context_size", "seqpos_slice", "dataset_path", "sae_lens_training_version", "hook_name_out", "hook_head_index_out"];

function originOf(cfg: Config): Origin {
  const { metadata = Object.fromEntries(Object.entries(cfg).filter(([key]) => metadataKeys.includes(key))) } = cfg;
  const all = (typeof metadata === "object" && metadata !== null ? metadata : {}) as Config;
  const [model, site, contextLength] = [textOf(all.model_name), textOf(all.hook_name ?? cfg.hook_point), numberOf(all.context_size)];
  return { ...(model !== undefined && { model }), ...(site !== undefined && { site }), ...(contextLength !== undefined && { contextLength }), metadata: all };
}
