import { add, linear, type Device } from "@dictlearn/kernels";
import { type Dictionary } from "./dictionary.js";
import { DictionaryError } from "./error.js";
import { type DictionaryClass, type Variants } from "./formats/savedClass.js";
import { normalizedInput, type InputNorm } from "./inputNorm.js";
import { rowsOf, Unread, type Matrix } from "./matrix.js";

/** A dictionary apart from any file and any device: what files of every format are read into and written from. */
export interface HostDictionary<W extends object = object> {
  readonly kind: DictionaryClass<W>;
  readonly weights: W;
  /** Whether the decoder's bias is taken from x first, where that is not what its class does. */
  readonly applyDecoderBiasToInput?: boolean;
  /** What is done to each row of x before, and undone behind. */
  readonly inputNorm?: InputNorm;
  /** Whether x was multiplied by a number in training that is in no file: `foldActivationScale` folds it. */
  readonly scaledOutside?: true;
  /** Only of a transcoder: the width of what it gives. */
  readonly output?: { readonly D: number };
  /** f32[O,D]: x · skipᵀ is added to what is decoded. */
  readonly skip?: Float32Array;
  readonly origin?: Origin;
  /** What of it was folded, or is other than in the file that it was read from, a line each. */
  readonly changes?: readonly string[];
}

/** Where the activations came from, as far as the file says it. */
export interface Origin {
  /** `EleutherAI/pythia-70m-deduped` */
  readonly model?: string;
  /** In the spelling of the file: `resid_post_layer_3`, `blocks.3.hook_resid_post`. */
  readonly site?: string;
  readonly contextLength?: number;
  /** What SAELens says besides, under its names. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** @param variants ways to encode that no file records */
export function openHostDictionary(device: Device, host: HostDictionary, variants: Variants = {}): Dictionary {
  const { kind, weights, applyDecoderBiasToInput, inputNorm, output, skip, origin } = host;
  const own = applyDecoderBiasToInput === undefined ? {} : { applyDecoderBiasToInput };
  let dictionary = kind.open(device, weights, { ...own, ...variants });
  if (output || origin) dictionary = { ...dictionary, ...(output && { output }), ...(origin && { origin }) };
  if (inputNorm) dictionary = normalizedInput(dictionary, inputNorm);
  return skip ? withSkip(dictionary, skip) : dictionary;
}

/** The dictionary with a straight way from x to what it gives. @param skip f32[O,D] */
function withSkip(inner: Dictionary, skip: Float32Array): Dictionary {
  const { device, D } = inner;
  const weight = device.keep(device.tensor(skip, [skip.length / D, D]));
  return {
    ...inner,
    decode(features, x) {
      if (!x) throw new DictionaryError("USAGE", `${inner.kind}: expected x beside the features (skip connection), got features alone`, "decode(features, x)");
      return device.scope(() => add(inner.decode(features, x), linear(x, weight)));
    },
    dispose() {
      inner.dispose();
      weight.dispose();
    },
  };
}

/**
 * The same dictionary as its class has it: what differs in taking the decoder's bias b from x goes into the encoder's,
 * b_e ± W b, summed in f64 and rounded once.
 */
export function foldDecoderBias(host: HostDictionary): HostDictionary {
  const { kind, weights, applyDecoderBiasToInput: applied, changes = [], ...rest } = host;
  if (applied === undefined || applied === kind.centred) return { kind, weights, changes, ...rest };
  const { encoder, decoderBias } = weights as { encoder: Matrix; decoderBias: Float32Array }; // of every class that is centred or not
  const D = decoderBias.length;
  const rows = rowsOf(encoder);
  const sign = applied ? -1 : 1;
  const by = Float32Array.from({ length: rows.length / D }, (_, f) => {
    let sum = 0;
    for (let d = 0; d < D; d++) sum += rows[f * D + d] * decoderBias[d];
    return sign * sum;
  });
  const folded = applied ? "apply_b_dec_to_input: the decoder's bias is taken from x in the encoder's bias now" : "the decoder's bias, which this class takes from x, is given back in the encoder's bias";
  return { kind, weights: kind.shifted!({ ...weights, encoder: rows }, by), changes: [...changes, folded], ...rest };
}

/** Width of x, and features. */
export function dimensionsOf({ weights }: HostDictionary): { D: number; F: number } {
  const { encoder, encoderBias, gateBias } = weights as { encoder: Matrix; encoderBias?: Float32Array; gateBias: Float32Array }; // of every class that other libraries know
  const F = (encoderBias ?? gateBias).length;
  return { D: encoder.length / F, F };
}

/**
 * For formats that have nothing but the tensors of an autoencoder.
 * @throws DictionaryError UNSUPPORTED for what these can't hold
 */
export function expectWeightsAlone({ kind, output, skip, inputNorm, scaledOutside }: HostDictionary): void {
  const other = output ? "a transcoder" : skip ? "one with a skip connection" : (inputNorm ?? (scaledOutside && "expected_average_only_in without the factor (activationScale)"));
  if (other) throw new DictionaryError("UNSUPPORTED", `${kind.name}: expected an autoencoder without normalised inputs to write, got ${other}`, scaledOutside && "give what x was multiplied by in training, sqrt(D) over its mean norm, and it is folded");
}

/**
 * The dictionary of x for one that was trained on x · scale, as SAELens folds it: W · scale, decoder / scale, b / scale. Its
 * features stay as large as they were in training.
 * @throws DictionaryError USAGE for a scale that is not > 0
 */
export function foldActivationScale(host: HostDictionary, scale: number): HostDictionary {
  if (!(scale > 0 && scale < Infinity)) throw new DictionaryError("USAGE", `${host.kind.name}: expected a scale of the activations > 0, got ${scale}`);
  if (host.kind.centred === undefined) throw new DictionaryError("UNSUPPORTED", `${host.kind.name}: expected a class whose weights are known, got one of one's own`);
  const weights = host.weights as { encoder: Matrix; decoder: Matrix; decoderBias: Float32Array };
  const factor = Math.fround(scale);
  const { scaledOutside: _, changes = [], ...rest } = host;
  return {
    ...rest,
    changes: [...changes, `the factor ${scale} of the activations: encoder multiplied by it, decoder and its bias divided`],
    weights: {
      ...weights,
      encoder: rowsOf(weights.encoder).map((w) => w * factor),
      decoder: weights.decoder instanceof Unread ? weights.decoder : rowsOf(weights.decoder).map((w) => w / factor),
      decoderBias: weights.decoderBias.map((b) => b / factor),
    },
  };
}

/**
 * Weights of the same features with decoder rows of norm 1 and encoder rows and biases as much larger.
 * @throws DictionaryError FORMAT for a row of norm 0
 */
export function foldDecoderNorms<W extends { encoder: Matrix; encoderBias: Float32Array; decoder: Matrix }>(weights: W, subject: string): W {
  const F = weights.encoderBias.length;
  const [encoder, decoder, encoderBias] = [Float32Array.from(rowsOf(weights.encoder)), Float32Array.from(rowsOf(weights.decoder)), Float32Array.from(weights.encoderBias)];
  const [D, O] = [encoder.length / F, decoder.length / F];
  for (let f = 0; f < F; f++) {
    let squares = 0;
    for (let d = f * O; d < (f + 1) * O; d++) squares += decoder[d] ** 2;
    const norm = Math.fround(Math.sqrt(squares));
    if (norm === 0) throw new DictionaryError("FORMAT", `${subject}: expected decoder rows of non-zero norm, got row ${f} = 0`, "features are rescaled by these norms");
    for (let d = f * O; d < (f + 1) * O; d++) decoder[d] /= norm;
    for (let d = f * D; d < (f + 1) * D; d++) encoder[d] *= norm;
    encoderBias[f] *= norm;
  }
  return { ...weights, encoder, decoder, encoderBias };
}
