import { freeBuffer, type Device, type Tensor } from "@dictlearn/kernels";
import { DictionaryError } from "../error.js";
import { tensorsOf, type SavedClass } from "../formats/savedClass.js";
import { type Setting } from "../trainer.js";

/** The tensors that a class of dictionary is trained by, named as its weights: matrices f32[F,D], vectors. */
export type Parameters<Name extends string = string> = Readonly<Record<Name, Tensor>>;

/**
 * The parameters of a class on the device, kept until they are disposed: the setting's, or random ones.
 * @param setting its parameters are by name; weights of the class that are no parameters (k, a threshold that is measured) are passed over
 * @param random makes arrays, which are freed once the device has them
 * @throws DictionaryError SHAPE `standard: expected parameters.decoderBias f32[512], got 768 elements`
 */
export function upload<Name extends string>(trainer: string, setting: Setting, saved: SavedClass<object>, names: readonly Name[], F: number, random: () => Readonly<Record<string, Float32Array<ArrayBuffer>>>): Parameters<Name> {
  const dims = { D: setting.D, F };
  const table = tensorsOf(saved);
  const shapes = table
    .filter(([name]) => names.includes(name as Name))
    .map(([name, { shape }]) => [name, shape.length === 2 ? [dims.F, dims.D] : shape.map((letter) => dims[letter as "D" | "F"])]);
  const made = setting.parameters ? {} : random();
  const parameters = uploadShapes(trainer, setting.device, Object.fromEntries(shapes) as Record<Name, number[]>, setting.parameters ?? made, { ignored: table.map(([name]) => name) });
  for (const buffer of new Set(Object.values(made).map(({ buffer }) => buffer))) freeBuffer(buffer);
  return parameters;
}

/**
 * Parameters of these shapes on the device, kept until they are disposed.
 * @param ignored names that values may have besides
 * @throws DictionaryError SHAPE as `upload`
 */
export function uploadShapes<Name extends string>(trainer: string, device: Device, byName: Readonly<Record<Name, readonly number[]>>, values: Readonly<Record<string, Float32Array>>, { ignored }: { ignored: readonly string[] }): Parameters<Name> {
  const shapes = Object.entries<readonly number[]>(byName);
  for (const [name, shape] of shapes) {
    const size = shape.reduce((product, n) => product * n, 1);
    if (values[name]?.length !== size) throw new DictionaryError("SHAPE", `${trainer}: expected parameters.${name} f32[${shape.join(",")}], got ${values[name] ? `${values[name].length} elements` : "none"}`);
  }
  const surplus = Object.keys(values).find((name) => !(name in byName) && !ignored.includes(name));
  if (surplus !== undefined) throw new DictionaryError("SHAPE", `${trainer}: expected no parameters.${surplus}, got one (there are ${shapes.map(([name]) => name).join(", ")})`);
  return Object.fromEntries(shapes.map(([name, shape]) => [name, device.keep(device.tensor(values[name], shape))])) as Parameters<Name>;
}

/** The parameters on the host, in the layout of the class's weights. */
export async function download<Name extends string>(parameters: Parameters<Name>): Promise<Record<Name, Float32Array>> {
  return Object.fromEntries(await Promise.all(Object.entries<Tensor>(parameters).map(async ([name, tensor]) => [name, await tensor.read()]))) as Record<Name, Float32Array>;
}
