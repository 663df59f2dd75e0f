import { memorySource, openSharded, openTorch, openSafetensors } from "@dictlearn/checkpoint";
import { bytesOf, jsonTokens, oddCopy, oddJson, textOf } from "../json.js";
import { recorded } from "../oracles.js";

const parts = { "model-00001-of-00002.safetensors": recorded("formats/broken/good.safetensors"), "ae.pt": recorded("formats/broken/good.pt") };
const index = { metadata: { total_size: 100 }, weight_map: { bias: "ae.pt", "encoder.weight": "model-00001-of-00002.safetensors", "decoder.weight": "ae.pt" } };

/** The index of a model in several files. What it asks for by a name that is no plain one would be a way out of the folder. */
export const sharded = {
  name: "sharded",
  seeds: [bytesOf(JSON.stringify(index)), bytesOf(JSON.stringify(index, undefined, 2))],
  tokens: [...jsonTokens, ...['"../x.pt"', '"/etc/passwd"', '"a/b"', '"C:x"', '"a\\\\b"', '".."', '"weight_map":'].map(bytesOf)],
  make: (random) => bytesOf(oddJson(oddCopy(index, random), random)),
  async read(bytes) {
    const file = openSharded(textOf(bytes), async (name) => {
      if (!/^[\w.-]+$/.test(name) || name.startsWith(".")) throw new Error(`a file outside: ${name}`);
      const part = Object.hasOwn(parts, name) ? parts[name] : new Uint8Array();
      return name.endsWith(".pt") ? openTorch(memorySource(part, name)) : openSafetensors(memorySource(part, name));
    });
    for (const name of file.names) await file.read(name);
  },
};
