import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { modelFolder, type ModelPlace } from "./modelFolder.js";
import { type OpenTextsOptions } from "./openTexts.js";

/**
 * SHA-256 of what a model's activations depend on: config.json, tokenizer.json, and the weights to their last byte, since a
 * model that was trained on keeps its size. Meant for a folder on this machine; a model of the Hub is told by its commit.
 * @param name as of `openModel`
 */
export async function modelDigest(name: string, place: ModelPlace = {}): Promise<string> {
  const folder = await modelFolder(name, place);
  const hash = createHash("sha256");
  for (const file of (await folder.files()).filter((file) => /^(config\.json|tokenizer(_config)?\.json|(model|pytorch_model)[^/]*\.(safetensors|bin|json))$/.test(file)).sort()) {
    hash.update(`${file}\0`);
    for await (const chunk of createReadStream(await folder.local(file), { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}

/**
 * SHA-256 of the names and sizes of a data set's files, in the order in which they are read: texts may be hundreds of
 * gigabytes, and those that were changed seldom keep their size.
 * @param name as of `openTexts`
 */
export async function textsDigest(name: string, place: Pick<OpenTextsOptions, "split" | "config" | "revision" | "hub"> = {}): Promise<string> {
  const { shardsOf } = await import("./shardsOf.js");
  const files = (await shardsOf(name, place)).map(({ name, byteLength }) => [name, byteLength]);
  return createHash("sha256").update(JSON.stringify(files)).digest("hex");
}
