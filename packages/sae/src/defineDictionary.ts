import { describe, scale, SparseFeatures, type Device, type Tensor } from "@dictlearn/kernels";
import { decoded, encoded, shapesOf, type DictionaryDefinition, type Dimensions } from "./defineDictionaryForward.js";
import { definedTrainer, type DefinedTrainerOptions } from "./defineDictionaryTrainer.js";
import { type Dictionary } from "./dictionary.js";
import { DictionaryError } from "./error.js";
import { type SavedClass } from "./formats/savedClass.js";
import { type TrainerSpec } from "./trainer.js";
import { uploadShapes } from "./training/parameters.js";

/** A class of dictionary of one's own, with parameters of these names; without: of any. */
export interface DefinedDictionary<Name extends string = never> {
  readonly name: string;
  /**
   * A way to train it: `train(activations, centred.trainer({ features: 4096 }), { tokens: 1e6 })`
   * @throws DictionaryError USAGE `centred: expected lr to be a number > 0, got -1`
   */
  trainer(options: DefinedTrainerOptions<Name>): TrainerSpec;
  /**
   * How it is saved, and opened for inference: `centred.saved({ D, F }).open(device, weights)`
   * @throws DictionaryError USAGE `centred: expected D and F to be whole numbers > 0, got 512 and NaN`
   */
  saved(dimensions: Dimensions): SavedClass<DefinedWeights<Name>>;
}

/** Parameters on the host; the features of activations x are those of x / normFactor, times it. */
export type DefinedWeights<Name extends string> = Readonly<Record<Name, Float32Array>> & { readonly normFactor: number };

/**
 * A dictionary of one's own is its forward functions; gradients come by the ops that they call.
 * ```ts
 * const centred = defineDictionary({
 *   name: "centred",
 *   parameters: ({ D, F }) => ({ encoder: [F, D], bias: [F], decoder: [F, D], centre: [D] }),
 *   encode: (p, x) => encodeTopK(sub(x, p.centre), p.encoder, p.bias, { k: 32 }), // x f32[B,D] → features [B,F], 32 a row
 *   decode: (p, f) => decodeSparse(f, p.decoder, p.centre), //                       → f32[B,D]
 * });
 * ```
 */
export function defineDictionary<Name extends string>(definition: DictionaryDefinition<Name>): DefinedDictionary<Name> {
  const { name } = definition;
  const saved = (dimensions: Dimensions): SavedClass<DefinedWeights<Name>> => {
    const { D, F } = dimensions;
    if (![D, F].every((n) => Number.isSafeInteger(n) && n > 0)) throw new DictionaryError("USAGE", `${name}: expected D and F to be whole numbers > 0, got ${D} and ${F}`);
    const shapes = Object.entries<readonly number[]>(shapesOf(definition, dimensions));
    const table = shapes.map(([parameter, shape]) => [parameter, { name: parameter, shape: shape.map(String) }]);
    return {
      name,
      dimensions: { D, F, ...Object.fromEntries(shapes.flatMap(([, shape]) => shape).map((n) => [n, n])) },
      // Only the author knows which parameters a norm factor would multiply; so it is a number of its own beside them.
      tensors: Object.fromEntries([...table, ["normFactor", { name: "norm_factor", shape: [], scaled: true }]]),
      wrong: ({ normFactor }) => (normFactor > 0 ? undefined : `norm_factor > 0, got ${normFactor}`),
      open: (device, weights) => open(device, definition, { D, F }, weights),
    };
  };
  return { name, saved, trainer: (options) => definedTrainer(definition, saved, options) };
}

/** The dictionary in use; what its functions make on the way is freed. */
function open<Name extends string>(device: Device, definition: DictionaryDefinition<Name>, dimensions: Dimensions, { normFactor: c, ...weights }: DefinedWeights<Name>): Dictionary {
  const { name } = definition;
  const { D, F } = dimensions;
  const p = uploadShapes(name, device, shapesOf(definition, dimensions), weights as Record<string, Float32Array>, { ignored: [] });
  return {
    kind: name,
    device,
    D,
    F,
    encode(x) {
      if (x.dtype !== "f32" || x.shape.length !== 2 || x.shape[1] !== D) throw new DictionaryError("SHAPE", `${name}: expected x f32[B,${D}], got ${describe(x)}`);
      return device.scope(() => times(encoded(definition, dimensions, p, c === 1 ? x : scale(x, 1 / c)), c));
    },
    decode: (features) =>
      device.scope(() => {
        const xHat = decoded(definition, dimensions, p, times(features, 1 / c));
        return c === 1 ? xHat : scale(xHat, c);
      }),
    dispose() {
      for (const tensor of Object.values<Tensor>(p)) tensor.dispose();
    },
  };
}

const times = (f: SparseFeatures, factor: number): SparseFeatures => (factor === 1 ? f : new SparseFeatures(f.shape, f.rowStart, f.index, scale(f.values, factor)));
