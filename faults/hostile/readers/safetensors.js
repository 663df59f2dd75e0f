import { memorySource, openSafetensors, toFloat32 } from "@dictlearn/checkpoint";
import { bytesOf, jsonTokens, oddCopy, oddJson } from "../json.js";
import { recordedIn } from "../oracles.js";

const header = { __metadata__: { format: "pt" }, a: { dtype: "F32", shape: [2, 3], data_offsets: [0, 24] }, b: { dtype: "I64", shape: [], data_offsets: [24, 32] }, c: { dtype: "BF16", shape: [0, 4], data_offsets: [32, 32] } };
const dtypes = ["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL", "F8_E4M3", "F4", "C64", "toString", "__proto__"].map((name) => bytesOf(`"${name}"`));

export const safetensors = {
  name: "safetensors",
  seeds: recordedIn("formats/broken/", /\.safetensors$/),
  tokens: [...jsonTokens, ...dtypes, ...['"data_offsets":[0,0]', '"shape":[4294967296,4294967296]', '"shape":[0,9007199254740993]', '"dtype":"F32"', '"__metadata__":{}'].map(bytesOf)],
  make(random) {
    const text = bytesOf(oddJson(oddCopy(header, random), random));
    const bytes = new Uint8Array(8 + text.length + random.pick([32, 32, 32, 0, 31, 64]));
    new DataView(bytes.buffer).setBigUint64(0, BigInt(random.below(8) === 0 ? random.below(2 * text.length) : text.length), true);
    bytes.set(text, 8);
    return bytes;
  },
  async read(bytes) {
    const file = await openSafetensors(memorySource(bytes, "x.safetensors"));
    for (const name of file.names) {
      const tensor = await file.read(name);
      if (["f32", "f16", "bf16", "f64"].includes(tensor.dtype)) toFloat32(tensor, { finite: true });
    }
  },
};
