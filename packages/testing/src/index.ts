export { expectClose } from "./expect-close.js";
export { oracle, readOracle } from "./oracle.js";
export { readSafetensors, type Arrays } from "./read-safetensors.js";
export { seededNormal, seededUniform } from "./seeded.js";
export { softwareGpu, type TestGpu } from "./software-gpu.js";
export { devices, webgpuDevice, type TestDevice } from "./devices.js";
export { expectReference, runOn, type Input } from "./expect-reference.js";
export { ReferenceDevice } from "./reference-device.js";
