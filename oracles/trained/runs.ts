import type * as Sae from "../../packages/sae/src/index.ts";

const [D, F, B, steps, normFactor] = [16, 40, 32, 60, 2.5];
const family = { lr: 4e-3, k: 4, warmupSteps: 10, thresholdStartStep: 5, thresholdBeta: 0.9, deadFeatureThreshold: 10 * B };
const schedule = { warmupSteps: 10, sparsityWarmupSteps: 15 };
const annealing = { lr: 4e-3, initialSparsityPenalty: 0.05, annealStart: 20, annealEnd: 55, nSparsityUpdates: 6, sparsityQueueLength: 5, pEnd: 0.5 };

/** A run of each trainer. */
export const specs = ({ april, batchTopK, gated, gatedAnneal, jumpRelu, matryoshka, pAnneal, standard, topK }: typeof Sae): Record<string, Sae.TrainerSpec> => ({
  standard: standard({ features: F, lr: 4e-3, ...schedule, resampleSteps: 20 }),
  april: april({ features: F, lr: 4e-3, ...schedule, decayStart: 40 }),
  gated: gated({ features: F, lr: 2e-3, ...schedule, decayStart: 40 }),
  pAnneal: pAnneal({ features: F, ...schedule, ...annealing }),
  gatedAnneal: gatedAnneal({ features: F, ...schedule, ...annealing }),
  topK: topK({ features: F, ...family, decayStart: 40 }),
  batchTopK: batchTopK({ features: F, ...family }),
  matryoshka: matryoshka({ features: F, ...family, groupFractions: [0.25, 0.75] }),
  jumpRelu: jumpRelu({ features: F, lr: 2e-3, ...schedule, bandwidth: 0.1, targetL0: 4 }),
});

/**
 * A whole run from its seed on, saved as users save theirs.
 * @param data f32[60,32,16], x of ../trainers/data.safetensors: divided by a norm factor, and a batch a step
 */
export async function trained({ writeDictionaryLearning }: Pick<typeof Sae, "writeDictionaryLearning">, spec: Sae.TrainerSpec, { device, data }: { device: Sae.Setting["device"]; data: Float32Array }): Promise<ReturnType<typeof Sae.writeDictionaryLearning>> {
  const trainer = spec.start({ device, D, steps, seed: 11, origin: { layer: 3, lmName: "org/tiny-model", submoduleName: "mlp_out_layer3" } });
  for (let step = 0; step < steps; step++) {
    const x = device.tensor(data.slice(step * B * D, (step + 1) * B * D).map((value) => value / normFactor), [B, D]);
    await trainer.step(x, step);
    x.dispose();
  }
  const made = writeDictionaryLearning(trainer.saved, await trainer.weights(), { normFactor, trainer: trainer.config, buffer: { ctx_len: 128 } });
  trainer.dispose();
  return made;
}
