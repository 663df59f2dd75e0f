// The kernels of the module: one line an op.
export * from "./job.as";
export * from "../ops/gelu.as";
export * from "../ops/elementwise.as";
export * from "../ops/layerNorm.as";
export * from "../ops/embedding.as";
export * from "../ops/attention.as";
export * from "../ops/compact.as";
export * from "../ops/copyRows.as";
export * from "../ops/crossEntropy.as";
export * from "../ops/decodeSparse.as";
export * from "../ops/reduceRows.as";
export * from "../ops/rotary.as";
export * from "../ops/segments.as";
export * from "../ops/splitQkv.as";
export * from "../ops/linear.as";
