import { type Tensor } from "@dictlearn/kernels";
import { DictionaryError } from "../error.js";
import { type AnyTensor, type NamedTensor } from "../trainer.js";

const arrays = { f32: Float32Array, u32: Uint32Array, f64: Float64Array };

/** The tensors of a trainer by groups: `{ parameters, "adam.m": m, "adam.v": v }`. */
export type Groups = Readonly<Record<string, Readonly<Record<string, Tensor>>>>;

const flat = (groups: Groups): [name: string, tensor: Tensor][] => Object.entries(groups).flatMap(([group, tensors]) => Object.entries(tensors).map(([name, tensor]): [string, Tensor] => [`${group}/${name}`, tensor]));

/** Every tensor as `group/name`, and numbers by their names as f64[]. */
export async function saveState(groups: Groups, numbers: Readonly<Record<string, number>> = {}): Promise<NamedTensor[]> {
  const tensors = await Promise.all(flat(groups).map(async ([name, tensor]): Promise<NamedTensor> => ({ name, dtype: tensor.dtype as "f32" | "u32", shape: tensor.shape, data: (await tensor.read()) as Float32Array | Uint32Array })));
  return [...tensors, ...Object.entries(numbers).map(([name, value]): NamedTensor => ({ name, dtype: "f64", shape: [], data: Float64Array.of(value) }))];
}

/**
 * Writes what `saveState` gave into the same groups; all of it is checked before anything changes.
 * @param names of the numbers
 * @returns the numbers
 * @throws DictionaryError FORMAT `standard: expected adam.m/bias f32[512], got f32[768]`
 */
export function loadState<Name extends string = never>(trainer: string, saved: readonly AnyTensor[], groups: Groups, names: readonly Name[] = []): Record<Name, number> {
  const byName = new Map(saved.map((tensor) => [tensor.name, tensor]));
  const expected = [...flat(groups).map(([name, { dtype, shape }]) => ({ name, dtype, shape })), ...names.map((name) => ({ name: name as string, dtype: "f64", shape: [] }))];
  for (const { name, dtype, shape } of expected) {
    const got = byName.get(name);
    const size = shape.reduce((product: number, n: number) => product * n, 1);
    const fits = got?.data instanceof arrays[dtype as keyof typeof arrays] && (got.data as Float32Array).length === size;
    if (!got || !fits || got.dtype !== dtype || String(got.shape) !== String(shape))
      throw new DictionaryError("FORMAT", `${trainer}: expected ${name} ${dtype}[${shape.join(",")}], got ${got ? `${got.dtype}[${got.shape.join(",")}]` : "none"}`, "resume with the hyper-parameters that the run was started with");
  }
  if (byName.size > expected.length) {
    const known = new Set(expected.map(({ name }) => name));
    throw new DictionaryError("FORMAT", `${trainer}: expected no ${[...byName.keys()].find((name) => !known.has(name))}, got one`, "resume with the hyper-parameters that the run was started with");
  }
  for (const [name, tensor] of flat(groups)) tensor.device.write(tensor, byName.get(name)!.data as Float32Array | Uint32Array);
  return Object.fromEntries(names.map((name) => [name, (byName.get(name)!.data as Float64Array)[0]])) as Record<Name, number>;
}

/** Frees the tensors of every group. */
export function disposeState(groups: Groups): void {
  for (const [, tensor] of flat(groups)) tensor.dispose();
}
