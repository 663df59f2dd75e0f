import { mutated } from "./mutate.js";
import { openRandom } from "../harness/random.js";

/**
 * A reader of what strangers send.
 * @typedef {object} Reader
 * @property {string} name
 * @property {readonly Uint8Array[]} seeds real files
 * @property {readonly Uint8Array[]} [tokens] words of the format
 * @property {(random: ReturnType<typeof openRandom>) => Uint8Array} [make] an input by the format's grammar
 * @property {(bytes: Uint8Array) => Promise<unknown>} read throws errors with a code, and nothing else
 * @property {number} [limit] bytes that it may take however small the input is; default 4 MiB
 */

/** The input of that number: the same at every time and place. @param {Reader} reader */
export function inputOf({ name, seeds, tokens = [], make }, number) {
  const random = openRandom(name, number);
  if (make && random.below(2) === 0) return make(random);
  return mutated({ seeds, tokens }, random);
}
