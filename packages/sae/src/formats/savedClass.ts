import { type Device } from "@dictlearn/kernels";
import { type Dictionary } from "../dictionary.js";

/**
 * How weights are named and laid out in a file. Reading and writing follow the same table, so they can't drift apart.
 *
 * The weights `W` are in our layout: matrices f32[F,D], vectors f32[n], numbers, lists of numbers.
 */
export interface Layout<W> {
  /** What errors call it; of dictionary_learning's the `dict_class` of config.json. */
  readonly name: string;
  /** Dimensions that are known ahead; of others the vectors tell. */
  readonly dimensions?: Readonly<Record<string, number>>;
  /** Every tensor of the file, in its order, by the weight that it holds. */
  readonly tensors: { readonly [K in keyof W]: SavedTensor };
  /** What is wrong with weights whose names, shapes and numbers are right: `k from 1 to 40, got 0`. */
  wrong?(weights: W): string | undefined;
}

/** A class of dictionary: what weights of this kind make, whatever file they came from. */
export interface DictionaryClass<W> {
  /** The dictionary's `kind`. */
  readonly name: string;
  /** The variants that it knows. */
  readonly variants?: readonly (keyof Variants)[];
  /** Whether the decoder's bias is taken from x before it is encoded, unless a variant says otherwise; unknown of a class of one's own. */
  readonly centred?: boolean;
  /** Weights whose pre-activations are those of `weights` plus `by` f32[F], for every x. */
  shifted?(weights: W, by: Float32Array): W;
  /** As of a layout. */
  wrong?(weights: W): string | undefined;
  open(device: Device, weights: W, variants?: Variants): Dictionary;
}

/** One of dictionary_learning's classes: with its file, and how its weights are scaled. */
export interface SavedClass<W> extends Layout<W>, DictionaryClass<W> {
  readonly name: string;
  /** What its from_pretrained does to the weights unless told not to. They may be changed in place. */
  normalize?(weights: W, subject: string): W;
}

/** A tensor of a state_dict. */
export interface SavedTensor {
  readonly name: string;
  /**
   * Its dimensions there: a matrix ["F","D"] lies as ours, ["D","F"] is turned; [] is a number, ["G"] a list of numbers; "64"
   * is 64. O is the width of what a transcoder gives.
   */
  readonly shape: readonly ("D" | "F" | "G" | "O" | `${number}`)[];
  /** f32 where nothing is said; f16, bf16 and f64 are read too. */
  readonly dtype?: "i32" | "i64";
  /** Saved as a transposed view: its storage holds the columns one after another. */
  readonly transposed?: true;
  /** Multiplied by the norm factor when a dictionary that was trained on x / factor is saved for x. */
  readonly scaled?: true | "unless negative";
}

/** Ways of encoding that a class has besides its own; attributes and arguments there, in no file. */
export interface Variants {
  /** AutoEncoderTopK: every feature above the saved threshold instead of the k largest. */
  useThreshold?: boolean;
  /** MatryoshkaBatchTopKSAE: features of the first groups only. */
  activeGroups?: number;
  /** Whether the decoder's bias is taken from x before it is encoded: of JumpReluAutoEncoder false by default, else true. */
  applyDecoderBiasToInput?: boolean;
}

/** The table of any class, in the order of its state_dict. */
export const tensorsOf = <W>({ tensors }: Pick<Layout<W>, "tensors">): [weight: string, tensor: SavedTensor][] =>
  Object.entries(tensors as Readonly<Record<string, SavedTensor>>);
