import { type Device } from "@dictlearn/kernels";
import { type Dictionary, openHostDictionary } from "@dictlearn/sae";
import { readDictionary, type ReadDictionaryOptions } from "./readDictionary.js";

/**
 * A dictionary as dictionary_learning (`ae.pt` with `config.json`), SAELens (`sae_weights.safetensors` with `cfg.json`) or
 * sparsify (`sae.safetensors` with `cfg.json`) saves it: its weights with their config beside them, or the folder of both.
 * Which of them it is follows from what the files hold.
 * @param name a path on this machine; `hf:OWNER/REPO[@REV]/path/in/repo` on the Hugging Face Hub, where
 *   `archive.zip!/path` is an entry of a zip, of which nothing else is fetched; "demo": the bundled dictionary
 * @param options.device may still be opening: files are read meanwhile
 * @param options.normalizeDecoder as dictionary_learning's from_pretrained (default): an AutoEncoder's decoder columns of norm 1
 * @param options.encodeOnly leaves the decoder in its file, where the format allows that: less memory, sooner here; `decode` refuses then
 * @param options.definitions classes of one's own (`defineDictionary`) that it may be of
 * @throws NOT_FOUND, FORMAT, UNSUPPORTED, and HubError for what the Hub has not or cannot be asked
 */
export async function openDictionary(name: string, { device, ...options }: ReadDictionaryOptions & { device: Device | Promise<Device> }): Promise<Dictionary> {
  const [opened, { host }] = await Promise.all([device, readDictionary(name, options)]);
  return openHostDictionary(opened, host);
}
