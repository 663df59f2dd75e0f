import { Device, type DType, type HostArray, type Op, type Tensor } from "@dictlearn/kernels";
import { fromFloat16 } from "./readSafetensors.js";

interface Words {
  readonly bytes: number;
  references: number;
  readonly data: ArrayBuffer;
}

/**
 * A device whose every op is its reference: what the backends are tested against. Slow, and nothing else.
 * With `f64` its float tensors hold doubles, which `tensor` takes and `read` gives: for differences of nearly equal numbers.
 */
export class ReferenceDevice extends Device {
  readonly kind = "cpu";
  readonly label = "reference";
  readonly engine = "reference";
  readonly exact = true;
  readonly #floats: typeof Float32Array;

  constructor(precision: "f32" | "f64" = "f32") {
    super();
    this.#floats = precision === "f64" ? (Float64Array as never) : Float32Array;
  }
  readonly lost = new Promise<never>(() => {});
  bytesInUse = 0;

  override tensor(data: HostArray | Float64Array, shape: readonly number[], dtype?: DType): Tensor {
    if (!(data instanceof Float64Array)) return super.tensor(data, shape, dtype);
    const tensor = this.zeros(shape);
    this.#view(tensor).set(data);
    return tensor;
  }

  allocate(bytes: number): Words {
    this.bytesInUse += bytes;
    return { bytes, references: 0, data: new ArrayBuffer(Math.ceil(bytes / 4) * this.#floats.BYTES_PER_ELEMENT) };
  }

  free({ bytes }: Words): void {
    this.bytesInUse -= bytes;
  }

  write(tensor: Tensor, data: HostArray): void {
    this.#view(tensor).set(data);
  }

  clear(tensor: Tensor): void {
    this.#view(tensor).fill(0);
  }

  async read(tensor: Tensor): Promise<Float32Array | Int32Array | Uint32Array> {
    return this.#host(tensor).slice();
  }

  protected lookAt(): void {} // tests look at its results themselves

  run(op: Op, inputs: Readonly<Record<string, Tensor>>, outputs: Readonly<Record<string, Tensor>>, params: object): void {
    const hosts = (tensors: Readonly<Record<string, Tensor>>) =>
      Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, { shape: tensor.shape, data: this.#host(tensor) }]));
    op.reference(hosts(inputs) as never, hosts(outputs) as never, params as never);
  }

  async idle(): Promise<void> {}
  dispose(): void {}

  #view(tensor: Tensor): HostArray {
    const arrays = { f32: this.#floats, f16: Uint16Array, i32: Int32Array, u32: Uint32Array };
    return new arrays[tensor.dtype]((tensor.storage as Words).data, 0, tensor.size);
  }

  #host(tensor: Tensor): Float32Array | Int32Array | Uint32Array {
    const words = this.#view(tensor);
    return words instanceof Uint16Array ? Float32Array.from(words, fromFloat16) : words;
  }
}
