import { DictionaryError } from "../error.js";

/** @throws DictionaryError USAGE `topK: expected k <= F = 4096, got 5000` */
export function expectHyper(trainer: string, ok: boolean, expected: string, got: unknown): void {
  if (!ok) throw new DictionaryError("USAGE", `${trainer}: expected ${expected}, got ${typeof got === "object" ? JSON.stringify(got) : String(got)}`);
}

/**
 * The options over their defaults.
 * @param defaults every hyper-parameter but `features`; undefined for what the setting decides
 * @throws DictionaryError USAGE `standard: expected options features, lr, l1Penalty, got also l1penalty`, and for `features` that are no count
 */
export function withDefaults<Hyper extends { features: number }>(trainer: string, defaults: { readonly [Name in Exclude<keyof Hyper, "features">]: Hyper[Name] }, options: { features: number }): Hyper {
  const known = ["features", ...Object.keys(defaults)];
  const unknown = Object.keys(options).filter((name) => !known.includes(name));
  expectHyper(trainer, unknown.length === 0, `options ${known.join(", ")}`, `also ${unknown.join(", ")}`);
  const { features } = options;
  expectHyper(trainer, Number.isSafeInteger(features) && features > 0, "features to be a whole number > 0", features);
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return { ...defaults, ...given } as unknown as Hyper;
}

/** A number >= 0, such as a penalty. */
export const expectNonNegative = (trainer: string, name: string, value: number): void => expectHyper(trainer, Number.isFinite(value) && value >= 0, `${name} to be a number >= 0`, value);
/** A number > 0, such as a learning rate. */
export const expectPositive = (trainer: string, name: string, value: number): void => expectHyper(trainer, Number.isFinite(value) && value > 0, `${name} to be a number > 0`, value);
