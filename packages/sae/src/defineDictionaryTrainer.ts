import { normaliseRowsInto, removeParallelInto, scale, stopGradient, sub, sumSquares, Tensor, type SparseFeatures } from "@dictlearn/kernels";
import { decoded, encoded, inWords, shapesOf, type DictionaryDefinition, type Dimensions } from "./defineDictionaryForward.js";
import { DictionaryError } from "./error.js";
import { type SavedClass } from "./formats/savedClass.js";
import { type Setting, type Trainer, type TrainerSpec } from "./trainer.js";
import { adamFor, adamStep } from "./training/adam.js";
import { settingConfig, snakeKeys, without } from "./training/config.js";
import { fractionExplained, momentsOf } from "./training/explained.js";
import { expectHyper, expectPositive, withDefaults } from "./training/hyper.js";
import { randomDirections, randomUniform } from "./training/initial.js";
import { makeTrainer } from "./training/makeTrainer.js";
import { overRows } from "./training/overRows.js";
import { uploadShapes, type Parameters } from "./training/parameters.js";
import { rngOf } from "./training/random.js";
import { learningRateScale, schedule, type ScheduleOptions } from "./training/schedules.js";
import { meanL0 } from "./training/sparsity.js";

/** A loss f32[1], alone or with numbers and other f32[1] that are logged by their names. */
export type Loss = Tensor | { readonly loss: Tensor; readonly [part: string]: Tensor | number };

/** What is minimised, in ops of kernels. @param x f32[B,D] @param made.xHat f32[B,D] @param made.step counted from 0 */
export type Objective<Name extends string> = (p: Parameters<Name>, x: Tensor, made: { features: SparseFeatures; xHat: Tensor; step: number }) => Loss;

export interface DefinedTrainerOptions<Name extends string> extends Omit<ScheduleOptions, "sparsityWarmupSteps"> {
  /** F */
  features: number;
  /** Default ⟨|x - x̂|²⟩. */
  objective?: Objective<Name>;
  /** Learning rate of Adam. Default 0.001 */
  lr?: number;
  /** Matrices whose rows are kept at norm 1, such as a decoder. Default none. */
  unitRows?: readonly NoInfer<Name>[];
  /**
   * So many rows of a batch at a time, where features and objective are of each row alone and the mean over them: that takes
   * less memory, and ReLU's and JumpReLU's features have room for B·F numbers on WebGPU. Default null: all at once.
   */
  rowsAtOnce?: number | null;
}

type Hyper<Name extends string> = Required<Omit<DefinedTrainerOptions<Name>, "warmupSteps">> & Pick<DefinedTrainerOptions<Name>, "warmupSteps">;

/** ⟨|x - x̂|²⟩ */
const squaredError: Objective<never> = (_, x, { xHat }) => scale(sumSquares(sub(x, xHat)), 1 / x.shape[0]);

/**
 * Trains a dictionary of one's own by Adam, on its objective's gradients.
 * @throws DictionaryError USAGE `centred: expected lr to be a number > 0, got -1`
 */
export function definedTrainer<Name extends string>(definition: DictionaryDefinition<Name>, saved: (dimensions: Dimensions) => SavedClass<object>, options: DefinedTrainerOptions<Name>): TrainerSpec {
  const { name } = definition;
  const hyper = withDefaults<Hyper<Name>>(name, { objective: squaredError, lr: 1e-3, warmupSteps: undefined, decayStart: null, unitRows: [], rowsAtOnce: null }, options);
  expectHyper(name, typeof hyper.objective === "function", "objective to be a function", typeof hyper.objective);
  expectPositive(name, "lr", hyper.lr);
  expectHyper(name, Array.isArray(hyper.unitRows), "unitRows to be a list of names", hyper.unitRows);
  expectHyper(name, hyper.rowsAtOnce === null || (Number.isSafeInteger(hyper.rowsAtOnce) && hyper.rowsAtOnce > 0), "rowsAtOnce to be a whole number > 0, or null", hyper.rowsAtOnce);
  return { name, hyper: without({ ...hyper }, "objective"), start: (setting) => start(definition, saved, hyper, setting) };
}

function start<Name extends string>(definition: DictionaryDefinition<Name>, saved: (dimensions: Dimensions) => SavedClass<object>, hyper: Hyper<Name>, setting: Setting): Trainer {
  const { name } = definition;
  const { device, D, steps } = setting;
  const { features: F, objective, unitRows, rowsAtOnce } = hyper;
  const plan = schedule(name, steps, { warmupSteps: hyper.warmupSteps, decayStart: hyper.decayStart, sparsityWarmupSteps: null });
  const dimensions = { D, F };
  const shapes = shapesOf(definition, dimensions);
  const matrices = (Object.keys(shapes) as Name[]).filter((parameter) => shapes[parameter].length === 2);
  for (const parameter of unitRows) expectHyper(name, matrices.includes(parameter), `unitRows among the matrices ${matrices.join(", ") || "(none)"}`, parameter);
  const parameters = uploadShapes(name, device, shapes, setting.parameters ?? initialValues(definition, shapes, setting, F), { ignored: ["normFactor"] });
  const adam = adamFor(parameters);

  return makeTrainer(setting, {
    name,
    saved: saved(dimensions),
    config: { dict_class: name, trainer_class: name, ...settingConfig(setting, name), ...snakeKeys({ ...without({ ...hyper }, "objective"), warmupSteps: plan.warmupSteps }) },
    parameters,
    state: { "adam.m": adam.m, "adam.v": adam.v },
    weights: (of) => ({ ...of, normFactor: 1 }),
    update(x, step) {
      const lr = hyper.lr * learningRateScale(plan, step);
      let numbers: Record<string, number> = {};
      const { value, gradients } = overRows(parameters, x, { places: F, atOnce: rowsAtOnce ?? x.shape[0] }, (p, rows) => {
        const features = encoded(definition, dimensions, p, rows); // [R,F]
        const xHat = decoded(definition, dimensions, p, features); // f32[R,D]
        const { loss, ...parts } = lossOf(name, objective(p, rows, { features, xHat, step }));
        const entries = Object.entries<Tensor | number>(parts);
        numbers = Object.fromEntries(entries.filter((entry): entry is [string, number] => typeof entry[1] === "number"));
        const logged = Object.fromEntries(entries.filter(([part]) => !(part in numbers)).map(([part, tensor]) => [part, oneNumber(name, part, tensor)]));
        return { loss, l0: meanL0(features), moments: momentsOf(rows, sub(rows, xHat)), logged };
      });
      for (const matrix of unitRows) removeParallelInto(gradients[matrix], parameters[matrix], { epsilon });
      adamStep(adam, parameters, gradients, { lr, step });
      for (const matrix of unitRows) normaliseRowsInto(parameters[matrix], { epsilon });
      const { loss, l0, moments, logged } = value;
      return { loss, mse_loss: moments.squaredError, l0, frac_variance_explained: fractionExplained(moments), lr, ...numbers, ...logged };
    },
  });
}

/** What is added to norms that divide: a row of zeros stays one. */
const epsilon = 2 ** -23;

function lossOf(name: string, made: Loss): Exclude<Loss, Tensor> {
  const parts = made instanceof Tensor ? { loss: made } : made;
  if (!(parts?.loss instanceof Tensor)) throw new DictionaryError("SHAPE", `${name}: expected the objective to return a loss f32[1], got ${inWords(made)} without one`);
  return parts;
}

/** A copy, so that a log never shares memory with a parameter. */
function oneNumber(name: string, part: string, tensor: Tensor | number): Tensor {
  if (!(tensor instanceof Tensor) || tensor.dtype !== "f32" || tensor.size !== 1) throw new DictionaryError("SHAPE", `${name}: expected the objective to return numbers or f32[1], got ${part} ${inWords(tensor)}`, "mean and sum make one number of many");
  return scale(stopGradient(tensor), 1);
}

/** What the definition gives, and the rest by shape. */
function initialValues<Name extends string>({ initial }: DictionaryDefinition<Name>, shapes: Readonly<Record<Name, readonly number[]>>, setting: Setting, F: number): Record<string, Float32Array> {
  const { D } = setting;
  const rng = rngOf(setting, "init");
  const given: Readonly<Record<string, Float32Array | undefined>> = initial?.({ D, F, rng }) ?? {};
  let directions: Float32Array | undefined;
  const byShape = (shape: readonly number[]): Float32Array => {
    if (shape.length === 1) return new Float32Array(shape[0]);
    if (String(shape) === String([F, D])) return (directions ??= randomDirections(F, D, 1, rng));
    return randomUniform(shape.reduce((product, n) => product * n, 1), 1 / Math.sqrt(shape.at(-1)!), rng);
  };
  const missing = Object.entries<readonly number[]>(shapes).filter(([name]) => !given[name]);
  return { ...(given as Record<string, Float32Array>), ...Object.fromEntries(missing.map(([name, shape]) => [name, byShape(shape)])) };
}
