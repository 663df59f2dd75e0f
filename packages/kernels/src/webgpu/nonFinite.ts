import { notFinite, type Result } from "../device.js";
import type { KernelError } from "../error.js";
import { bytesOf, type Tensor } from "../tensor.js";
import { eachElement, grid, type Dispatch } from "./dispatch.js";
import { rowTiles } from "./tiles.js";
import { type WebGpuDevice } from "./webgpuDevice.js";

/** Results that are told apart between two looks; what comes behind shares the last one's place. */
const PLACES = 65536;

/** Which results were not finite: a word for each, which a shader sets where it sees an exponent of all ones. */
export class NonFinite {
  readonly #flags: Tensor; // u32[PLACES]
  #results: { from: Result; tensor: Pick<Tensor, "dtype" | "shape"> }[] = [];

  constructor(device: WebGpuDevice) {
    this.#flags = device.keep(device.zeros([PLACES], "u32"));
  }

  look(tensor: Tensor, from: Result): Dispatch[] {
    if (this.#results.length < PLACES) this.#results.push({ from, tensor: { dtype: tensor.dtype, shape: tensor.shape } });
    const exponents = tensor.dtype === "f32" ? [0x7f800000] : [0x7c00, 0x7c000000]; // two halves a word
    const isFinite = exponents.map((mask) => `(word & ${mask}u) != ${mask}u`).join(" && ");
    return rowTiles(tensor).map(({ binding }) => {
      const n = Math.ceil((binding.bytes ?? tensor.size * bytesOf[tensor.dtype]) / 4);
      return {
        code: eachElement(`let word = x[index];\n  if (!(${isFinite})) { flags[p.place] = 1u; }`),
        read: { x: { ...binding, as: "u32" } },
        write: { flags: this.#flags },
        u32: { n, place: this.#results.length - 1 },
        workgroups: grid(Math.ceil(n / 256)),
      };
    });
  }

  /** The first that was not finite since the last time, in the order of the ops. @param read the flags, from the device */
  async first(read: (flags: Tensor) => Promise<ArrayLike<number>>): Promise<KernelError | undefined> {
    const results = this.#results;
    if (results.length === 0) return undefined;
    this.#results = [];
    const flags = await read(this.#flags);
    const at = results.findIndex((_, place) => flags[place] !== 0);
    if (at < 0) return undefined;
    this.#flags.device.clear(this.#flags);
    return notFinite(results[at]!.from, results[at]!.tensor);
  }
}
