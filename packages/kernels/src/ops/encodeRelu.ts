import { CpuDevice } from "../cpu/cpuDevice.js";
import { KernelError } from "../error.js";
import { expectShape } from "../shapes.js";
import { SparseFeatures } from "../sparse.js";
import { describe, type Tensor } from "../tensor.js";
import { WebGpuDevice } from "../webgpu/webgpuDevice.js";
import { compactInto, countPositive, scanInto } from "./compact.js";
import { copyRowsInto, sliceRows } from "./copyRows.js";
import { linear } from "./linear.js";

/** Pre-activations exist as tiles of rows of at most this many bytes (but one row at least). */
const TILE_BYTES = 32 * 2 ** 20;

/**
 * Features of a ReLU dictionary: relu(x encoderᵀ + bias), of which the entries > 0 are kept. A NaN is kept as a value.
 * [B,F] is never whole in memory. On cpu the result takes what its entries need; on webgpu, where their number is not
 * known without waiting, `index` and `values` have room for B*F: encode tiles of rows where that is too much.
 * @param x f32[B,D]
 * @param encoder f32[F,D]
 * @param bias f32[F]
 * @returns sparse features [B,F]
 * @throws KernelError UNSUPPORTED when B*F entries do not fit the largest binding; ShapeError `encodeRelu: expected encoder f32[F,512], got f32[512,4096] (x is f32[8,512])`
 */
export function encodeRelu(x: Tensor, encoder: Tensor, bias: Tensor): SparseFeatures {
  expectShape("encodeRelu", "x", x, ["f32"], ["B", "D"]);
  expectShape("encodeRelu", "encoder", encoder, ["f32"], ["F", x.shape[1]], `x is ${describe(x)}`);
  expectShape("encodeRelu", "bias", bias, ["f32"], [encoder.shape[0]], `encoder is ${describe(encoder)}`);
  const { device } = x;
  const [B, F] = [x.shape[0], encoder.shape[0]];
  const rows = Math.max(1, Math.floor(TILE_BYTES / (4 * Math.max(F, 1))));
  if (device instanceof WebGpuDevice && 4 * B * F > device.limits.bindingBytes)
    throw new KernelError("UNSUPPORTED", `encodeRelu: expected at most ${device.limits.bindingBytes / 4} entries on ${device.label}, got room for ${B} x ${F}`, "encode fewer rows at a time");
  return device.scope(() => {
    const rowStart = device.zeros([B + 1], "u32");
    const empty = (capacity: number) => new SparseFeatures([B, F], rowStart, device.empty("u32", [capacity]), device.empty("f32", [capacity]));
    let features = empty(device instanceof CpuDevice ? 0 : B * F);
    for (let start = 0; start < B; start += rows) {
      const end = Math.min(B, start + rows);
      const tile = device.scope(() => linear(rows >= B ? x : sliceRows(x, { start, end }), encoder, bias));
      scanInto(rowStart, countPositive(tile), { at: start });
      if (device instanceof CpuDevice) {
        const nnz = device.view(rowStart)[end];
        const { index, values } = features;
        if (nnz > index.size) {
          // room for the rows to come, as many entries a row as so far
          features = empty(Math.min(B * F, Math.ceil((nnz / end) * B)));
          for (const [to, from] of [[features.index, index], [features.values, values]]) copyRowsInto(to.reshape([to.size, 1]), from.reshape([from.size, 1]), { at: 0 });
          index.dispose();
          values.dispose();
        }
      }
      compactInto(features.index, features.values, tile, rowStart, { at: start });
      tile.dispose();
    }
    return features;
  });
}
