import { CpuDevice } from "../cpu/cpuDevice.js";
import type { Tensor } from "../tensor.js";
import { compactInto, countActive, scanInto, type Rule } from "./compact.js";
import { copyRowsInto } from "./copyRows.js";
import type { Entries } from "./encoder.js";
import { eachTile } from "./tiles.js";

/** Without a bias these are products. */
export interface ActiveInputs {
  x: Tensor;
  encoder: Tensor;
  bias?: Tensor;
}

/**
 * The pre-activations x encoderᵀ + bias that are active, as sparse entries; [B,F] is never whole in memory. On cpu the
 * result takes what its entries need; on webgpu, where their number is not known without waiting, there is room for B*F.
 */
export function activeOfTiles(inputs: ActiveInputs, rule?: Rule): Entries<Tensor, Tensor> {
  const { device } = inputs.x;
  const [B, F] = [inputs.x.shape[0], inputs.encoder.shape[0]];
  const rowStart = device.zeros([B + 1], "u32");
  const room = (capacity: number) => ({ index: device.empty("u32", [capacity]), values: device.empty("f32", [capacity]) });
  let entries = room(device instanceof CpuDevice ? 0 : B * F);
  eachTile(inputs, (tile, start) => {
    scanInto(rowStart, countActive(tile, rule), { at: start });
    if (device instanceof CpuDevice) {
      const end = start + tile.shape[0];
      const nnz = device.view(rowStart)[end];
      if (nnz > entries.index.size) {
        // room for the rows to come, as many entries a row as so far
        const { index, values } = entries;
        entries = room(Math.min(B * F, Math.ceil((nnz / end) * B)));
        for (const [to, from] of [[entries.index, index], [entries.values, values]]) copyRowsInto(to.reshape([to.size, 1]), from.reshape([from.size, 1]), { at: 0 });
        index.dispose();
        values.dispose();
      }
    }
    compactInto(entries.index, entries.values, tile, rowStart, { at: start }, rule);
  });
  return { rowStart, ...entries };
}
