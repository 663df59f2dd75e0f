// The kernels of the module: one line an op.
export * from "./job.as";
export * from "../ops/gelu.as";
export * from "../ops/elementwise.as";
export * from "../ops/layerNorm.as";
export * from "../ops/embedding.as";
