import { Tensor } from "@dictlearn/kernels";
import { DictionaryError } from "../error.js";
import { type SavedClass } from "../formats/savedClass.js";
import { type Setting, type StepLog, type Trainer } from "../trainer.js";
import { download, type Parameters } from "./parameters.js";
import { disposeState, loadState, saveState, type Groups } from "./savedState.js";

export type Parts = Record<string, Tensor | number>;

/** What a trainer is made of. */
export interface Made {
  name: string;
  saved: SavedClass<object>;
  config: Readonly<Record<string, unknown>>;
  parameters: Parameters;
  /** What it keeps on the device besides, by groups: Adam's moments, counters. Goes with the trainer. */
  state: Groups;
  /** What it keeps on the host: changed by `update`, saved and loaded. */
  numbers?: Record<string, number>;
  /**
   * One update; what it makes is freed behind it, except the log that it returns. One that has to wait for the device
   * returns a promise, and nothing else may use the device meanwhile.
   */
  update(x: Tensor, step: number): Parts | Promise<Parts>;
  /** The class's weights where they are more than the parameters. */
  weights?(parameters: Record<string, Float32Array>): object | Promise<object>;
}

/** The trainer of what a trainer is made of: x is checked, a log lives until the next, everything can be saved, loaded and freed. */
export function makeTrainer({ device, D }: Setting, { name, saved, config, parameters, state, numbers = {}, update, weights = (of) => of }: Made): Trainer {
  const groups = { parameters, ...state };
  let log: Parts = {};
  const forget = () => {
    for (const part of Object.values(log)) if (part instanceof Tensor) part.dispose();
    log = {};
  };
  return {
    config,
    saved,
    parameters: () => parameters,
    weights: async () => weights(await download(parameters)),
    save: () => saveState(groups, numbers),
    load: (tensors) => void Object.assign(numbers, loadState(name, tensors, groups, Object.keys(numbers))),
    async step(x, step): Promise<StepLog> {
      if (x.dtype !== "f32" || x.shape.length !== 2 || x.shape[1] !== D || x.shape[0] === 0) throw new DictionaryError("SHAPE", `${name}: expected x f32[B,${D}], got ${x.dtype}[${x.shape.join(",")}]`);
      if (!(Number.isSafeInteger(step) && step >= 0)) throw new DictionaryError("USAGE", `${name}: expected a step counted from 0, got ${step}`);
      forget();
      const made = device.scope(() => update(x, step));
      log = made instanceof Promise ? await made : made;
      for (const part of Object.values(log)) if (part instanceof Tensor) device.keep(part);
      return { step, tokens: x.shape[0], parts: log };
    },
    dispose() {
      forget();
      disposeState(groups);
    },
  };
}
