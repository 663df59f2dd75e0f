import { parseConfig } from "@dictlearn/neox";
import { bytesOf, jsonTokens, oddCopy, oddJson, textOf } from "../json.js";
import { recorded } from "../oracles.js";

const file = recorded("neox/a-parallel-f32/model/config.json");
const json = JSON.parse(textOf(file));

export const config = {
  name: "config",
  seeds: [file],
  tokens: jsonTokens,
  make: (random) => bytesOf(oddJson(oddCopy(json, random), random)),
  async read(bytes) {
    let value;
    try {
      value = JSON.parse(textOf(bytes));
    } catch {
      return; // whoever reads the file says so: `dictlearn`
    }
    const { width, heads, layers, rotary } = parseConfig(value);
    for (const count of [width, heads, layers, rotary.dims]) if (!Number.isSafeInteger(count) || count < 1) throw new Error(`a size of ${count}`);
  },
};
