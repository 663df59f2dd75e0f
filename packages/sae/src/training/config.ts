import { type Setting } from "../trainer.js";

/** `sparsityWarmupSteps` as dictionary_learning spells it: `sparsity_warmup_steps`. The number of features is its `dict_size`. */
export const configName = (name: string): string => (name === "features" ? "dict_size" : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));

/** `sparsity_warmup_steps` as an option here: `sparsityWarmupSteps`. */
export const optionName = (name: string): string => (name === "dict_size" ? "features" : name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()));

/** Options as config.json has them. */
export const snakeKeys = (options: Readonly<Record<string, unknown>>): Record<string, unknown> => Object.fromEntries(Object.entries(options).map(([name, value]) => [configName(name), value]));

/** What every trainer's config says of its setting, as dictionary_learning spells it. @param wandbName unless the setting brings one */
export function settingConfig({ device, D, steps, seed, origin = {} }: Setting, wandbName: string): Record<string, unknown> {
  const { layer = null, lmName = null, submoduleName = null } = origin;
  return { activation_dim: D, steps, seed, device: device.kind, layer, lm_name: lmName, wandb_name: origin.wandbName ?? wandbName, submodule_name: submoduleName };
}

/** An object without some of its keys. */
export const without = (object: Readonly<Record<string, unknown>>, ...keys: readonly string[]): Record<string, unknown> => Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
