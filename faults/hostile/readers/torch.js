import { memorySource, openTorch, toFloat32 } from "@dictlearn/checkpoint";
import { bytesOf } from "../json.js";
import { recorded, recordedIn } from "../oracles.js";

const records = ["PK\x01\x02", "PK\x03\x04", "PK\x05\x06", "PK\x06\x06", "PK\x06\x07", "\x01\x00\x10\x00", "archive/data.pkl", "archive/data/0", "../data/0", "data/0", "byteorder"];

/** `.pt` archives: the zip around, and what it says of sizes and places. Pickles by their grammar are `pickle`. */
export const torch = {
  name: "torch",
  seeds: [...recordedIn("formats/broken/", /\.pt$/, 3000), recorded("formats/dl_variants/deflated.pt"), recorded("formats/torch/zip64.pt")].filter(({ length }) => length < 20_000),
  tokens: records.map((text) => Uint8Array.from(text, (character) => character.charCodeAt(0))).concat(bytesOf("cos\nsystem\n")),
  read: readTorch,
};

export async function readTorch(bytes) {
  const file = await openTorch(memorySource(bytes, "x.pt"));
  for (const name of file.names) {
    const tensor = await file.read(name);
    if (["f32", "f16", "bf16", "f64"].includes(tensor.dtype)) toFloat32(tensor, { finite: true });
  }
}
