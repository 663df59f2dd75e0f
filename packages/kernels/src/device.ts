import type { Op } from "./defineOp.js";
import { KernelError, ShapeError } from "./error.js";
import { opRun, type OpRun } from "./profile.js";
import { Scopes } from "./scopes.js";
import type { Tape } from "./tape.js";
import { bytesOf, describe, sizeOf, Tensor, type DType, type Storage } from "./tensor.js";

/** Elements as a host array: f32 → Float32Array, f16 → Uint16Array (its bits), i32 → Int32Array, u32 → Uint32Array. */
export type HostArray = Float32Array | Uint16Array | Int32Array | Uint32Array;

type Tensors = Readonly<Record<string, Tensor>>;

/** Which output of which op a tensor is. */
export interface Result {
  op: string;
  name: string;
}

/** What `watchFinite` says; `got` is known where the tensor is at hand. */
export function notFinite({ op, name }: Result, { dtype, shape }: Pick<Tensor, "dtype" | "shape">, got = "NaN or infinity"): KernelError {
  return new KernelError("FORMAT", `${op}: expected finite results, got ${got} in ${name} ${describe({ dtype, shape })}`, "what went into it was finite, or came from outside");
}

/**
 * Where tensors live and ops run. Ops are synchronous calls that enqueue in order; only data leaving is async.
 * A device is opened with `openDevice`; the methods below `idle` are for ops and backends.
 */
export abstract class Device {
  abstract readonly kind: "webgpu" | "cpu";
  /** What runs here, for people: `cpu (WASM SIMD, 2 threads)`, `webgpu (nvidia h100)`. */
  abstract readonly label: string;
  /** What computes, by version: the same bytes come from the same state on another device of this engine, if from any. */
  abstract readonly engine: string;
  /** Whether a row's result is the same bytes in whatever company it is computed. */
  abstract readonly exact: boolean;
  /** Settles when the device is gone (driver reset, unplugged). */
  abstract readonly lost: Promise<{ reason: string }>;
  readonly scopes = new Scopes();
  /** What records the ops that run, while `valueAndGradients` does. */
  tape: Tape | undefined;
  #watched = false;
  #looks = true;

  /** Uploads host data. @throws ShapeError when the length is not the shape's */
  tensor(data: HostArray, shape: readonly number[], dtype: DType = dtypeOf(data)): Tensor {
    if (data.length !== sizeOf(shape)) throw new ShapeError(`tensor: expected ${sizeOf(shape)} elements for ${describe({ dtype, shape })}, got ${data.length}`);
    if (dtypeOf(data) !== dtype) throw new ShapeError(`tensor: expected data of ${dtype}, got ${data.constructor.name}`);
    const tensor = this.empty(dtype, shape);
    if (data.length > 0) this.write(tensor, data);
    return tensor;
  }

  /** A tensor of zeros. */
  zeros(shape: readonly number[], dtype: DType = "f32"): Tensor {
    const tensor = this.empty(dtype, shape);
    this.clear(tensor);
    return tensor;
  }

  /** A tensor whose contents are undefined until written. */
  empty(dtype: DType, shape: readonly number[]): Tensor {
    const tensor = new Tensor(this, dtype, [...shape], this.allocate(sizeOf(shape) * bytesOf[dtype]));
    if (this.#watched) this.clear(tensor); // not all of it may be written, and what others left there is no result
    return tensor;
  }

  /** Frees every tensor made inside `body`, except those returned. Nests; the body may be async, one such at a time. */
  scope<R>(body: () => R): R {
    return this.scopes.run(body);
  }

  /** Takes a tensor out of the scopes it is in, for what outlives the call that made it (a model's weights); the caller disposes it. */
  keep(tensor: Tensor): Tensor {
    this.scopes.release(tensor);
    return tensor;
  }

  /**
   * Times every op that runs inside `body`, in order. While nobody asks, nothing is noted.
   * @throws KernelError UNSUPPORTED on webgpu, where the adapter has no clock for passes
   */
  async profile(body: () => unknown): Promise<OpRun[]> {
    const runs: OpRun[] = [];
    await this.aroundRuns((name, inputs, outputs, run) => {
      const start = performance.now();
      run();
      runs.push({ ...opRun(name, inputs, outputs), seconds: (performance.now() - start) / 1000 });
    }, body);
    return runs;
  }

  /**
   * From now on every op's floats are looked at, for who wants to know where a NaN comes from: the first op whose result is not
   * finite is named by an error, on cpu when it runs, on webgpu when something is read. A step takes several times as long.
   * @throws then: KernelError FORMAT `exp: expected finite results, got Infinity in y f32[4,512]`
   */
  watchFinite(): void {
    if (this.#watched) return;
    this.#watched = true;
    const { run } = this;
    this.run = (op, inputs, outputs, params) => {
      run.call(this, op, inputs, outputs, params);
      if (!this.#looks) return;
      const written = Object.fromEntries((op.writes ?? []).map((name) => [name, inputs[name]!]));
      const isLookedAt = ({ dtype, size }: Tensor, name: string) => (dtype === "f32" || dtype === "f16") && size > 0 && !(op.unbounded as readonly string[] | undefined)?.includes(name);
      for (const [name, tensor] of Object.entries({ ...outputs, ...written })) if (isLookedAt(tensor, name)) this.lookAt(tensor, { op: op.name, name });
    };
  }

  /** For ops among which infinity is an answer: `watchFinite` does not look while they run. */
  unwatched<R>(body: () => R): R {
    const looks = this.#looks;
    this.#looks = false;
    try {
      return body();
    } finally {
      this.#looks = looks;
    }
  }

  /** Notes, or throws, that a result is not finite. */
  protected abstract lookAt(tensor: Tensor, from: Result): void;

  /** Hands every op that runs inside `body` to `around`, which runs it. */
  protected async aroundRuns(around: (name: string, inputs: Tensors, outputs: Tensors, run: () => void) => void, body: () => unknown): Promise<void> {
    const { run } = this;
    const own = Object.hasOwn(this, "run");
    this.run = (op, inputs, outputs, params) => around(op.name, inputs, outputs, () => run.call(this, op, inputs, outputs, params));
    try {
      await body();
    } finally {
      if (own) this.run = run;
      else Reflect.deleteProperty(this, "run"); // the class's own is visible again
    }
  }

  /** Settles when everything enqueued so far has run. */
  abstract idle(): Promise<void>;
  /** Frees the device with everything on it. */
  abstract dispose(): void;

  /** Bytes of device memory held by live tensors. */
  abstract readonly bytesInUse: number;
  abstract allocate(bytes: number): Storage;
  abstract free(storage: Storage): void;
  abstract write(tensor: Tensor, data: HostArray): void;
  abstract clear(tensor: Tensor): void;
  abstract read(tensor: Tensor): Promise<Float32Array | Int32Array | Uint32Array>;
  abstract run(op: Op, inputs: Tensors, outputs: Tensors, params: object): void;
}

export function dtypeOf(data: HostArray): DType {
  return data instanceof Float32Array ? "f32" : data instanceof Uint16Array ? "f16" : data instanceof Int32Array ? "i32" : "u32";
}
