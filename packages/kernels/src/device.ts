import type { Op } from "./defineOp.js";
import { ShapeError } from "./error.js";
import { opRun, type OpRun } from "./profile.js";
import { Scopes } from "./scopes.js";
import type { Tape } from "./tape.js";
import { bytesOf, describe, sizeOf, Tensor, type DType, type Storage } from "./tensor.js";

/** Elements as a host array: f32 → Float32Array, f16 → Uint16Array (its bits), i32 → Int32Array, u32 → Uint32Array. */
export type HostArray = Float32Array | Uint16Array | Int32Array | Uint32Array;

type Tensors = Readonly<Record<string, Tensor>>;

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
    return new Tensor(this, dtype, [...shape], this.allocate(sizeOf(shape) * bytesOf[dtype]));
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

  /** Hands every op that runs inside `body` to `around`, which runs it. */
  protected async aroundRuns(around: (name: string, inputs: Tensors, outputs: Tensors, run: () => void) => void, body: () => unknown): Promise<void> {
    const { run } = this;
    this.run = (op, inputs, outputs, params) => around(op.name, inputs, outputs, () => run.call(this, op, inputs, outputs, params));
    try {
      await body();
    } finally {
      Reflect.deleteProperty(this, "run"); // the class's own is visible again
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
