import { Device, type HostArray, type Result } from "../device.js";
import type { Op } from "../defineOp.js";
import { KernelError } from "../error.js";
import { widenF16 } from "../float16.js";
import { opRun, type OpRun } from "../profile.js";
import type { Storage, Tensor } from "../tensor.js";
import { bindingOf, scalarsOf, shaderOf, type Dispatch } from "./dispatch.js";
import { NonFinite } from "./nonFinite.js";
import { Timestamps } from "./timestamps.js";

interface GpuStorage extends Storage {
  readonly buffer: GPUBuffer;
}

export interface WebGpuOptions {
  /** Take an adapter that computes on the CPU (SwiftShader, llvmpipe) too: for tests; WebAssembly is faster. */
  software?: boolean;
  /** Lower the largest binding, in bytes; ops then split. For tests. */
  bindingBytes?: number;
}

const SCALARS_BYTES = 1 << 16;
const CACHED_BINDS = 4096;
/** Freed memory kept for reuse; past this it is given back. */
const SPARE_BYTES = 1 << 28;

/** Ops as WGSL compute passes. Dispatches collect in one pass and are submitted together. */
export class WebGpuDevice extends Device {
  readonly kind = "webgpu";
  readonly engine: string;
  readonly exact = false; // a few rows and many are added up in different orders
  readonly lost: Promise<{ reason: string }>;
  readonly limits: { readonly bindingBytes: number; readonly bufferBytes: number; readonly offsetAlignment: number };
  readonly #device: GPUDevice;
  readonly #pipelines = new Map<string, GPUComputePipeline>();
  readonly #binds = new Map<string, GPUBindGroup>();
  /**
   * Freed buffers by size, the oldest last. Work runs in order, so a buffer may be used again before its last use has run. The
   * oldest is taken first, whatever was freed last: then every step of a training finds the same buffers, and their bind groups.
   */
  readonly #spare = new Map<number, GPUBuffer[]>();
  readonly #ids = new WeakMap<GPUBuffer | GPUComputePipeline, number>();
  readonly #scalars: GPUBuffer;
  readonly #scalarsHost = new Uint8Array(SCALARS_BYTES);
  #scalarsUsed = 0;
  #nextId = 0;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  /** Where the passes of an op that is profiled write their times. */
  #stamps: GPUComputePassTimestampWrites | undefined;
  #bytes = 0;
  #spareBytes = 0;
  #error: KernelError | undefined;
  #nonFinite: NonFinite | undefined;

  private constructor(device: GPUDevice, readonly label: string, options: WebGpuOptions) {
    super();
    this.engine = label;
    this.#device = device;
    this.limits = { bindingBytes: Math.min(device.limits.maxStorageBufferBindingSize, options.bindingBytes ?? Infinity), bufferBytes: device.limits.maxBufferSize, offsetAlignment: 256 };
    this.lost = device.lost.then(({ message, reason }) => ({ reason: message || reason }));
    device.onuncapturederror = ({ error }) => (this.#error ??= new KernelError("UNSUPPORTED", `webgpu: ${error.message}`));
    this.#scalars = device.createBuffer({ size: SCALARS_BYTES, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
  }

  /** @returns undefined when there is no adapter, or only a software one that was not asked for */
  static async open(gpu: GPU, options: WebGpuOptions = {}): Promise<WebGpuDevice | undefined> {
    const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) return undefined;
    const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
    const software = isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|software|basic render/i.test(`${vendor} ${architecture} ${description}`);
    if (software && !options.software) return undefined;
    const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
    const device = await adapter.requestDevice({ requiredFeatures: adapter.features.has("timestamp-query") ? ["timestamp-query"] : [], requiredLimits: { maxStorageBufferBindingSize, maxBufferSize } });
    return new WebGpuDevice(device, `webgpu (${[vendor, architecture || description].filter(Boolean).join(" ")})`, options);
  }

  get bytesInUse(): number {
    return this.#bytes;
  }

  allocate(bytes: number): GpuStorage {
    const size = rounded(bytes);
    if (size > this.limits.bufferBytes) throw new KernelError("UNSUPPORTED", `webgpu: expected buffers of at most ${this.limits.bufferBytes} bytes, got ${bytes}`, "use smaller batches, or the cpu device");
    let buffer = this.#spare.get(size)?.pop();
    if (buffer) this.#spareBytes -= size;
    else {
      buffer = this.#device.createBuffer({ size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST });
      this.#ids.set(buffer, this.#nextId++);
    }
    this.#bytes += size;
    return { bytes, references: 0, buffer };
  }

  free(storage: Storage): void {
    const { buffer } = storage as GpuStorage;
    this.#bytes -= buffer.size;
    if (this.#spareBytes + buffer.size > SPARE_BYTES) {
      this.#submit(); // what is encoded may still use it
      return buffer.destroy();
    }
    this.#spareBytes += buffer.size;
    const spare = this.#spare.get(buffer.size);
    if (!spare) return void this.#spare.set(buffer.size, [buffer]);
    const id = this.#ids.get(buffer)!;
    let at = spare.length;
    while (at > 0 && this.#ids.get(spare[at - 1]!)! < id) at--;
    spare.splice(at, 0, buffer);
  }

  write(tensor: Tensor, data: HostArray): void {
    this.#submit(); // writeBuffer overtakes what is not submitted yet, and the buffer may be a used one
    const { buffer } = tensor.storage as GpuStorage;
    if (data.byteLength % 4 === 0) {
      this.#device.queue.writeBuffer(buffer, 0, data as HostArray & ArrayBufferView<ArrayBuffer>);
    } else {
      const padded = new Uint8Array(Math.ceil(data.byteLength / 4) * 4);
      padded.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      this.#device.queue.writeBuffer(buffer, 0, padded);
    }
  }

  clear(tensor: Tensor): void {
    this.#endPass();
    this.#encode().clearBuffer((tensor.storage as GpuStorage).buffer);
  }

  async read(tensor: Tensor): Promise<Float32Array | Int32Array | Uint32Array> {
    const read = this.#read(tensor);
    await this.#expectFinite();
    return read;
  }

  /** Under `watchFinite`: what was computed so far is finite. */
  async #expectFinite(): Promise<void> {
    const error = await this.#nonFinite?.first((flags) => this.#read(flags));
    if (error) throw error;
  }

  async #read(tensor: Tensor): Promise<Float32Array | Int32Array | Uint32Array> {
    const { buffer, bytes } = tensor.storage as GpuStorage;
    const size = Math.ceil(bytes / 4) * 4;
    if (size === 0) return tensor.dtype === "u32" ? new Uint32Array() : tensor.dtype === "i32" ? new Int32Array() : new Float32Array();
    const staging = this.#device.createBuffer({ size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    try {
      this.#endPass();
      this.#encode().copyBufferToBuffer(buffer, 0, staging, 0, size);
      this.#submit();
      await this.#unlessLost(staging.mapAsync(GPUMapMode.READ));
      if (this.#error) throw this.#error;
      const copy = staging.getMappedRange().slice(0, bytes);
      return tensor.dtype === "f32" ? new Float32Array(copy) : tensor.dtype === "u32" ? new Uint32Array(copy) : tensor.dtype === "i32" ? new Int32Array(copy) : widenF16(new Uint16Array(copy));
    } finally {
      staging.destroy();
    }
  }

  protected lookAt(tensor: Tensor, from: Result): void {
    this.#nonFinite ??= new NonFinite(this);
    for (const dispatch of this.#nonFinite.look(tensor, from)) this.#dispatch("lookAt", dispatch);
  }

  run(op: Op, inputs: Readonly<Record<string, Tensor>>, outputs: Readonly<Record<string, Tensor>>, params: object): void {
    if (!op.wgsl) throw new KernelError("UNSUPPORTED", `${op.name}: expected WGSL for ${this.label}, got none in its definition`, "add `wgsl` to the op, or use a cpu device");
    const dispatches = op.wgsl(inputs as never, outputs as never, params as never);
    for (const dispatch of Array.isArray(dispatches) ? dispatches : [dispatches]) this.#dispatch(op.name, dispatch);
  }

  /** Times by the GPU's clock: each op in a pass of its own, so that all together take longer than otherwise. */
  override async profile(body: () => unknown): Promise<OpRun[]> {
    if (!this.#device.features.has("timestamp-query")) throw new KernelError("UNSUPPORTED", `profile: expected an adapter with timestamp-query, got ${this.label}`);
    const stamps = new Timestamps(this.#device);
    const runs: Omit<OpRun, "seconds">[] = [];
    await this.aroundRuns((name, inputs, outputs, run) => {
      this.#submit(); // with room for its scalars an op is one pass
      this.#stamps = stamps.next();
      run();
      this.#endPass();
      this.#stamps = undefined;
      runs.push(opRun(name, inputs, outputs));
    }, body);
    this.#submit();
    const seconds = await stamps.read();
    return runs.map((run, i) => ({ ...run, seconds: seconds[i]! }));
  }

  #dispatch(name: string, d: Dispatch): void {
    const [x, y = 1, z = 1] = d.workgroups;
    if (x * y * z === 0) return;
    const scalars = new Uint8Array(scalarsOf(d));
    const step = Math.ceil(scalars.length / 256) * 256;
    if (this.#scalarsUsed + step > SCALARS_BYTES) this.#submit();
    const at = this.#scalarsUsed;
    this.#scalarsHost.set(scalars, at);
    this.#scalarsUsed += step;

    const pipeline = this.#pipeline(name, shaderOf(d));
    const buffers = [...Object.values(d.read ?? {}), ...Object.values(d.write ?? {})].map(bindingOf).map(({ tensor, offset = 0, bytes }) => {
      const { buffer, bytes: whole } = tensor.storage as GpuStorage;
      return { buffer, offset, size: Math.max(4, Math.ceil((bytes ?? whole - offset) / 4) * 4) };
    });
    if (scalars.length) buffers.push({ buffer: this.#scalars, offset: at, size: scalars.length });
    const pass = (this.#pass ??= this.#encode().beginComputePass({ timestampWrites: this.#stamps }));
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, this.#bind(pipeline, buffers));
    pass.dispatchWorkgroups(x, y, z);
  }

  #pipeline(name: string, code: string): GPUComputePipeline {
    let pipeline = this.#pipelines.get(code);
    if (!pipeline) {
      const module = this.#device.createShaderModule({ code, label: name });
      pipeline = this.#device.createComputePipeline({ label: name, layout: "auto", compute: { module, entryPoint: "main" } });
      this.#pipelines.set(code, pipeline);
      this.#ids.set(pipeline, this.#nextId++);
    }
    return pipeline;
  }

  #bind(pipeline: GPUComputePipeline, buffers: { buffer: GPUBuffer; offset: number; size: number }[]): GPUBindGroup {
    const key = `${this.#ids.get(pipeline)}:${buffers.map((b) => `${this.#ids.get(b.buffer)},${b.offset},${b.size}`).join(":")}`;
    let bind = this.#binds.get(key);
    if (!bind) {
      if (this.#binds.size >= CACHED_BINDS) this.#binds.clear();
      bind = this.#device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries: buffers.map((resource, binding) => ({ binding, resource })) });
      this.#binds.set(key, bind);
    }
    return bind;
  }

  #encode(): GPUCommandEncoder {
    return (this.#encoder ??= this.#device.createCommandEncoder());
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }

  #submit(): void {
    this.#endPass();
    if (this.#scalarsUsed) this.#device.queue.writeBuffer(this.#scalars, 0, this.#scalarsHost, 0, this.#scalarsUsed);
    if (this.#encoder) this.#device.queue.submit([this.#encoder.finish()]);
    this.#encoder = undefined;
    this.#scalarsUsed = 0;
  }

  /** What waits for the device ends with it; why it does is what a person has to know. */
  #unlessLost<T>(waiting: Promise<T>): Promise<T> {
    const lost = this.lost.then(({ reason }) => {
      throw new KernelError("IO", `${this.label}: expected the device to stay, got its loss: ${reason}`, "open it again; what was on it is gone");
    });
    return Promise.race([lost, waiting.catch(() => lost)]);
  }

  async idle(): Promise<void> {
    this.#submit();
    await this.#unlessLost(this.#device.queue.onSubmittedWorkDone());
    if (this.#error) throw this.#error;
    await this.#expectFinite();
  }

  dispose(): void {
    this.#device.destroy();
  }
}

/** Buffer sizes come in steps of an eighth, so that freed buffers fit what is asked next. */
function rounded(bytes: number): number {
  if (bytes <= 4096) return Math.max(256, 2 ** Math.ceil(Math.log2(Math.max(bytes, 1))));
  const step = 2 ** Math.floor(Math.log2(bytes)) / 8;
  return Math.ceil(bytes / step) * step;
}
