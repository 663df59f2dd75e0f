import type { Tensor } from "../tensor.js";
import type { Rule } from "./compact.js";
import type { Entries } from "./encoder.js";
import { screenActive } from "./screenActive.js";
import { activeOfTiles, type ActiveInputs } from "./support.js";

/**
 * The pre-activations x encoderᵀ + bias that are active, as sparse entries; [B,F] is never whole in memory. On cpu the
 * result takes what its entries need; on webgpu, where their number is not known without waiting, there is room for B*F.
 */
export const activeEntries = (inputs: ActiveInputs, rule?: Rule): Entries<Tensor, Tensor> => screenActive(inputs, rule) ?? activeOfTiles(inputs, rule);
