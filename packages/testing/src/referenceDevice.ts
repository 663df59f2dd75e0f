import { Device, type HostArray, type Op, type Tensor } from "@dictlearn/kernels";
import { fromFloat16 } from "./readSafetensors.js";

interface Words {
  readonly bytes: number;
  references: number;
  readonly data: ArrayBuffer;
}

/** A device whose every op is its reference: what the backends are tested against. Slow, and nothing else. */
export class ReferenceDevice extends Device {
  readonly kind = "cpu";
  readonly label = "reference";
  readonly lost = new Promise<never>(() => {});
  bytesInUse = 0;

  allocate(bytes: number): Words {
    this.bytesInUse += bytes;
    return { bytes, references: 0, data: new ArrayBuffer(bytes) };
  }

  free({ bytes }: Words): void {
    this.bytesInUse -= bytes;
  }

  write(tensor: Tensor, data: HostArray): void {
    view(tensor).set(data);
  }

  clear(tensor: Tensor): void {
    view(tensor).fill(0);
  }

  async read(tensor: Tensor): Promise<Float32Array | Int32Array | Uint32Array> {
    return host(tensor).slice();
  }

  run(op: Op, inputs: Readonly<Record<string, Tensor>>, outputs: Readonly<Record<string, Tensor>>, params: object): void {
    const hosts = (tensors: Readonly<Record<string, Tensor>>) =>
      Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, { shape: tensor.shape, data: host(tensor) }]));
    op.reference(hosts(inputs) as never, hosts(outputs) as never, params as never);
  }

  async idle(): Promise<void> {}
  dispose(): void {}
}

function view(tensor: Tensor): HostArray {
  const arrays = { f32: Float32Array, f16: Uint16Array, i32: Int32Array, u32: Uint32Array };
  return new arrays[tensor.dtype]((tensor.storage as Words).data);
}

function host(tensor: Tensor): Float32Array | Int32Array | Uint32Array {
  const words = view(tensor);
  return words instanceof Uint16Array ? Float32Array.from(words, fromFloat16) : words;
}
