import { CpuDevice } from "../cpu/cpuDevice.js";
import type { Tensor } from "../tensor.js";
import { countActive, type Rule } from "./compact.js";
import { sliceRows } from "./copyRows.js";
import type { Entries } from "./encoder.js";
import { linear } from "./linear.js";
import { canScreen } from "./screen.js";
import { screenActive } from "./screenActive.js";
import { activeOfTiles, type ActiveInputs } from "./support.js";

/** Of so many rows all pre-activations are computed, to see whether few enough of the others are active. */
const SAMPLE = 32;
/** With a larger share of active features, computing them one by one takes what integers save. */
const FEW = 1 / 12;

/**
 * The pre-activations x encoderᵀ + bias that are active, as sparse entries; [B,F] is never whole in memory. On cpu the
 * result takes what its entries need; on webgpu, where their number is not known without waiting, there is room for B*F.
 */
export const activeEntries = (inputs: ActiveInputs, rule?: Rule): Entries<Tensor, Tensor> => (fewActive(inputs, rule) ? screenActive(inputs, rule) : activeOfTiles(inputs, rule));

/** Whether so few are active, as far as the first rows tell, that integers help to find them. */
function fewActive({ x, encoder, bias }: ActiveInputs, rule?: Rule): boolean {
  const { device } = x;
  if (!(device instanceof CpuDevice && canScreen({ x, encoder }) && x.shape[0] >= 4 * SAMPLE)) return false;
  using counts = device.scope(() => countActive(linear(sliceRows(x, { start: 0, end: SAMPLE }), encoder, bias), rule));
  return (device.view(counts) as Uint32Array).reduce((sum, n) => sum + n, 0) < FEW * SAMPLE * encoder.shape[0];
}
