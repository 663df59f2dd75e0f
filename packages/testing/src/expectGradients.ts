import { add, mul, sum, valueAndGradients, type Device, type Tensor } from "@dictlearn/kernels";
import { expectClose } from "./expectClose.js";
import { runOn, type Input } from "./expectReference.js";
import { ReferenceDevice } from "./referenceDevice.js";
import { seededNormal } from "./seeded.js";

type Run = (...inputs: Tensor[]) => Tensor | Tensor[];
const STEP = 1e-5;
const floats = (results: Tensor | Tensor[]): Tensor[] => [results].flat().filter(({ dtype }) => dtype === "f32");
const weightsOf = (result: number, size: number): Float32Array => seededNormal(1000 + result, size);

/**
 * From ops to their gradients: of a randomly weighted sum of all float results, in every float input but the `constant`
 * ones. With `expectReference` it compares backward kernels with their references, at sizes too large for differences.
 */
export function gradientsOf(run: Run, constant: readonly number[] = []): (...inputs: Tensor[]) => Tensor[] {
  return (...inputs) => {
    const parameters = Object.fromEntries(inputs.flatMap((tensor, i) => (tensor.dtype === "f32" && !constant.includes(i) ? [[`${i}`, tensor]] : [])));
    const { gradients } = valueAndGradients(parameters, () => {
      const parts = floats(run(...inputs)).map((y, i) => sum(mul(y, y.device.tensor(weightsOf(i, y.size), y.shape))));
      return parts.reduce((all, part) => add(all, part));
    });
    return Object.values(gradients);
  };
}

/**
 * The law of every vjp: on `device`, the gradients of a randomly weighted sum of all float results, in every float input, are
 * its central differences, which the references make in f64 (right to some 1e-9 of the curvature).
 * @param run as for `expectReference`
 * @param constant which inputs are left out
 */
export async function expectGradients(
  device: Device,
  inputs: readonly Input[],
  run: Run,
  { constant = [], ...tolerance }: { absolute?: number; relative?: number; constant?: readonly number[] } = {},
): Promise<void> {
  const wanted = inputs.flatMap(([data], i) => (data instanceof Float32Array && !constant.includes(i) ? [i] : []));
  const reference = new ReferenceDevice("f64");
  const exact = inputs.map(([data]) => (data instanceof Float32Array ? Float64Array.from(data) : data));
  const weighted = async (data: typeof exact): Promise<number> => {
    const results = await reference.scope(() => Promise.all(floats(run(...data.map((values, i) => reference.tensor(values, inputs[i]![1])))).map((t) => t.read())));
    let all = 0;
    results.forEach((result, i) => weightsOf(i, result.length).forEach((weight, j) => (all += weight * result[j]!)));
    return all;
  };

  const actual = await runOn(device, inputs, gradientsOf(run, constant));
  for (const [at, i] of wanted.entries()) {
    const slopes: number[] = [];
    for (let j = 0; j < inputs[i]![0].length; j++) {
      const moved = (by: number) => {
        const data = exact[i]!.slice();
        data[j]! += by;
        return weighted(exact.map((values, k) => (k === i ? data : values)));
      };
      slopes.push(((await moved(STEP)) - (await moved(-STEP))) / (2 * STEP));
    }
    try {
      expectClose(actual[at]!, slopes, tolerance);
    } catch (error) {
      throw new Error(`gradient in input ${i}: ${(error as Error).message}`, { cause: error });
    }
  }
}
