import { readdirSync } from "node:fs";
import { memorySource, openSafetensors, openTorch, writeSafetensors } from "@dictlearn/checkpoint";
import { openDevice } from "@dictlearn/kernels/node";
import { openHostDictionary, recognise } from "@dictlearn/sae";
import { bytesOf, oddCopy, oddJson, textOf } from "../json.js";
import { recorded } from "../oracles.js";

const root = new URL("../../../oracles/formats/", import.meta.url);
const dtypes = ["f32", "f16", "bf16", "f64", "i64", "i32", "u8", "bool", "c64"];
const arrays = { f32: Float32Array, f16: Uint16Array, bf16: Uint16Array, f64: Float64Array, i64: BigInt64Array, i32: Int32Array, u8: Uint8Array, bool: Uint8Array, c64: Float32Array };

/**
 * Dictionaries of three libraries: configs that say what is not so, tensors of other names, shapes and types. An input is the
 * config as JSON, NUL, and a safetensors file; so is what `make` makes.
 */
export async function openDictionaries() {
  const device = await openDevice({ backend: "cpu", threads: 1, engine: "wasm" });
  const originals = await originalsOf();
  return {
    name: "dictionaries",
    seeds: originals.map(({ config, tensors, container }) => packed(config, tensors, container)),
    make(random) {
      const { config, tensors, container } = random.pick(originals);
      return packed(random.below(2) === 0 ? oddCopy(config, random) : config, random.below(3) === 0 ? tensors : oddTensors(tensors, random), random.below(12) === 0 ? "torch" : container, random);
    },
    async read(bytes) {
      const end = bytes.indexOf(0);
      const { container, config } = parsed(textOf(bytes.subarray(0, end < 0 ? bytes.length : end)));
      const file = await openSafetensors(memorySource(bytes.subarray(end + 1), "x"));
      const configs = typeof config === "object" && config !== null && !Array.isArray(config) ? { "cfg.json": config } : {};
      const { format, config: own } = recognise({ container: container === "torch" ? "torch" : "safetensors", names: file.names, configs }, "x");
      const host = await format.read(file, { subject: "x", config: own });
      openHostDictionary(device, host).dispose();
    },
    close: () => device.dispose(),
  };
}

function parsed(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

async function originalsOf() {
  const all = [];
  for (const library of ["dl", "saelens", "sparsify"])
    for (const folder of readdirSync(new URL(`${library}/`, root))) {
      const files = readdirSync(new URL(`${library}/${folder}/`, root));
      const [weights, config] = [files.find((name) => /^(ae\.pt|sae_weights\.safetensors|sae\.safetensors)$/.test(name)), files.find((name) => /^(config|cfg)\.json$/.test(name))];
      if (!weights || !config) continue;
      const source = memorySource(recorded(`formats/${library}/${folder}/${weights}`), weights);
      const container = weights.endsWith(".pt") ? "torch" : "safetensors";
      const file = container === "torch" ? await openTorch(source) : await openSafetensors(source);
      const tensors = await Promise.all(file.names.map((name) => file.read(name)));
      all.push({ container, config: JSON.parse(textOf(recorded(`formats/${library}/${folder}/${config}`))), tensors });
    }
  return all;
}

function oddTensors(tensors, random) {
  const at = random.below(tensors.length);
  const one = tensors[at];
  const rest = tensors.filter((_, i) => i !== at);
  const kind = random.below(5);
  if (kind === 0) return rest;
  if (kind === 1) return [...rest, { ...one, name: random.pick(["__proto__", "constructor", "", `${one.name}.x`]) }];
  if (kind === 2 && one.dtype === "f32") {
    const data = Float32Array.from(one.data);
    data[random.below(data.length)] = random.pick([NaN, Infinity, -Infinity, 3.4e38, 0, -1]);
    return [...rest, { ...one, data }];
  }
  const dtype = random.below(2) === 0 ? one.dtype : random.pick(dtypes);
  const shape = random.pick([one.shape, [...one.shape].reverse(), [], [0], [1], [...one.shape, 1], one.shape.slice(1), one.shape.map((size) => size + 1)]);
  const length = shape.reduce((a, b) => a * b, 1) * (dtype === "c64" ? 2 : 1);
  return [...rest, { name: one.name, dtype, shape, data: new (arrays[dtype])(length) }];
}

function packed(config, tensors, container, random) {
  const about = { container, config };
  const text = bytesOf(`${random ? oddJson(about, random) : JSON.stringify(about)}`);
  const file = writeSafetensors(tensors);
  const bytes = new Uint8Array(text.length + 1 + file.length);
  bytes.set(text);
  bytes.set(file, text.length + 1);
  return bytes;
}
