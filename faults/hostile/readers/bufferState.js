import { unpackState } from "../../../packages/activations/dist/bufferState.js";
import { bytesOf, jsonTokens, oddCopy, oddJson, textOf } from "../json.js";

const json = { version: 1, batchSize: 2, capacity: 4, skipFirst: 0, tokens: null, partial: false, cursor: null, ended: false, filling: true, drawn: 2, unread: 2 };
const tensors = { "rows.tokens": [1, 2, 3, 4], "rows.start": [0, 2, 4], "unread.row": [0, 1], "unread.position": [1, 0], rng: [1, 2, 3, 4, 5, 6] };

/** The state of a buffer: numbers, and tensors that point into each other. */
export const bufferState = {
  name: "bufferState",
  seeds: [bytesOf(JSON.stringify({ json, tensors }))],
  tokens: jsonTokens,
  make: (random) => bytesOf(oddJson(oddCopy({ json, tensors }, random), random)),
  async read(bytes) {
    let told;
    try {
      told = JSON.parse(textOf(bytes)) ?? {};
    } catch {
      return; // whoever reads the file says so
    }
    const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
    if (!isRecord(told.json) || !isRecord(told.tensors)) return;
    const numbers = ([name, list]) => ({ name, dtype: "u32", shape: [], data: Uint32Array.from(Array.isArray(list) ? list.map((one) => (typeof one === "number" ? one : 0)) : []) });
    const { entries } = unpackState({ json: told.json, tensors: Object.entries(told.tensors).map(numbers) });
    for (const { row, position } of entries) if (!(position < row.tokens.length)) throw new Error("a position outside its row");
  },
};
