import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readParams } from "../../../apps/train/dist/params.js";
import { bytesOf, jsonTokens, oddCopy, oddJson } from "../json.js";

const params = { layer: { value: 3, description: "the layer" }, model_name: { value: "a/b", description: "the model" }, num_tokens: { value: 1000, description: "how many" } };

/** `--params`: a file of parameters. */
export function openParams() {
  const folder = mkdtempSync(join(tmpdir(), "params-"));
  const file = join(folder, "params.json");
  return {
    name: "params",
    seeds: [bytesOf(JSON.stringify(params))],
    tokens: jsonTokens,
    make: (random) => bytesOf(oddJson(oddCopy(params, random), random)),
    async read(bytes) {
      writeFileSync(file, bytes);
      readParams(file);
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}
