export { openDevice, type Backend, type DeviceOptions } from "./openDevice.js";
export { CpuDevice, type CpuOptions } from "./cpu/cpuDevice.js";
export { WebGpuDevice, type WebGpuOptions } from "./webgpu/webgpuDevice.js";
export { Device, type HostArray } from "./device.js";
export { Tensor, describe, type DType } from "./tensor.js";
export { KernelError, ShapeError } from "./error.js";
export { defineOp, type Host, type Op, type OpDefinition, type Spec } from "./defineOp.js";
export { address, f32Bits, type WasmCall } from "./cpu/wasmCall.js";
export { eachElement, eachRow, grid, type Binding, type Dispatch } from "./webgpu/dispatch.js";
export { rowTiles } from "./webgpu/tiles.js";

export { add, mul, sub } from "./ops/elementwise.js";
export { castF32 } from "./ops/cast.js";
export { embedding } from "./ops/embedding.js";
export { gelu } from "./ops/gelu.js";
export { layerNorm } from "./ops/layerNorm.js";
