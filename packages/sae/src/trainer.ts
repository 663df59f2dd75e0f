import { copyRowsInto, Tensor, type Device, type Rng, type RngStream } from "@dictlearn/kernels";
import { type SavedClass } from "./formats/savedClass.js";

/** A way to train with its hyper-parameters settled: what `standard({ features: 4096 })` makes. */
export interface TrainerSpec {
  /** `standard` */
  readonly name: string;
  /** Every hyper-parameter with the value that was given or its default; those that follow from `steps` are undefined until then. */
  readonly hyper: Readonly<Record<string, unknown>>;
  /** @throws DictionaryError USAGE `standard: expected warmupSteps < steps = 500, got 1000` */
  start(setting: Setting): Trainer;
}

/** Where and on what a trainer trains. */
export interface Setting {
  device: Device;
  /** Width of the activations. */
  D: number;
  /** How many steps the run has; schedules lean on it. */
  steps: number;
  /** Of all random numbers: 0..2^53-1. */
  seed: number;
  /** Where random numbers come from; default the streams of `seed`. A replay brings its own draws. */
  rng?(stream: RngStream, index?: number): Pick<Rng, "uniform" | "normal">;
  /** Parameters to start from, by the names of `parameters()`, in place of random ones. */
  parameters?: Readonly<Record<string, Float32Array>>;
  /** What `config` says of where the activations come from. */
  origin?: { layer?: number | null; lmName?: string | null; submoduleName?: string | null; wandbName?: string };
}

/** A dictionary in training. Everything lives on the device; a step enqueues and waits for nothing, but where it says so. */
export interface Trainer {
  /** As dictionary_learning's `trainer.config`, for config.json. */
  readonly config: Readonly<Record<string, unknown>>;
  /**
   * One update. Steps count from 0, each once and in order.
   * @param x f32[B,D], not kept
   * @returns a log that lives until the next step
   * @throws DictionaryError SHAPE `standard: expected x f32[B,512], got f32[8,768]`
   */
  step(x: Tensor, step: number): Promise<StepLog>;
  /** The parameters themselves, not copies: they change with every step and go with `dispose`. */
  parameters(): Readonly<Record<string, Tensor>>;
  /** The class of dictionary that this trains: how it is saved, and how it is opened for inference. */
  readonly saved: SavedClass<object>;
  /** That class's weights as they are now, on the host: `writeDictionaryLearning(saved, await weights())`. */
  weights(): Promise<object>;
  /** All that the next steps depend on; a trainer of the same spec and setting that loads it goes on bit for bit (same backend). */
  save(): Promise<NamedTensor[]>;
  /** @throws DictionaryError FORMAT `standard: expected adam.m/bias f32[512], got none`; nothing changes then */
  load(tensors: readonly AnyTensor[]): void;
  /** Frees everything. Twice is harmless. */
  dispose(): void;
}

/** What a step did, by the names that dictionary_learning logs. Reading it never changes training. */
export interface StepLog {
  readonly step: number;
  /** Rows of x. */
  readonly tokens: number;
  /** Numbers, and f32[1] on the device that are there until the next step. */
  readonly parts: Readonly<Record<string, Tensor | number>>;
}

/** A tensor on the host, such as a file holds. */
export interface AnyTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: ArrayBufferView;
}

/** What a trainer saves. */
export interface NamedTensor extends AnyTensor {
  readonly dtype: "f32" | "f64" | "u32";
  readonly data: Float32Array | Float64Array | Uint32Array;
}

/** The numbers of a log, read at once. On webgpu this waits for the step. */
export async function readLog({ parts }: StepLog): Promise<Record<string, number>> {
  const tensors = Object.values(parts).filter((part) => part instanceof Tensor);
  if (tensors.length === 0) return { ...(parts as Record<string, number>) };
  const { device } = tensors[0];
  const values = await device.scope(() => {
    const joined = device.empty("f32", [tensors.length, 1]);
    tensors.forEach((part, at) => copyRowsInto(joined, part.reshape([1, 1]), { at }));
    return joined.read();
  });
  let at = 0;
  return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, typeof part === "number" ? part : values[at++]]));
}
