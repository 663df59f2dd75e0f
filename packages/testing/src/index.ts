export { expectClose } from "./expectClose.js";
export { oracle, readOracle } from "./oracle.js";
export { readSafetensors, type Arrays } from "./readSafetensors.js";
export { seededNormal, seededUniform } from "./seeded.js";
export { softwareGpu, type TestGpu } from "./softwareGpu.js";
export { devices, webgpuDevice, type TestDevice } from "./devices.js";
export { expectReference, runOn, type Input } from "./expectReference.js";
export { ReferenceDevice } from "./referenceDevice.js";
