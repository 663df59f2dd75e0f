import { type NamedTensor, openSafetensors, openTorch, type Piece, type PlainValue, type ReadOptions, type TensorInfo } from "@dictlearn/checkpoint";
import { fileSource } from "@dictlearn/checkpoint/node";

/** An opened file of named tensors, and of which kind it is. */
export type TensorFile = Named & ({ readonly container: "torch"; readonly values: ReadonlyMap<string, PlainValue> } | { readonly container: "safetensors" });

interface Named {
  readonly names: readonly string[];
  info(name: string): Promise<TensorInfo>;
  read(name: string, options?: ReadOptions): Promise<NamedTensor>;
  pieces?(name: string, elements: number): AsyncIterable<Piece> | undefined;
  close(): Promise<void>;
}

/** A torch or safetensors file, by what it begins with. @throws as the readers of checkpoint */
export async function openTensorFile(path: string): Promise<TensorFile> {
  const source = await fileSource(path);
  const close = () => source.close();
  try {
    const head = new DataView(await source.slice(0, Math.min(9, source.byteLength)));
    return beginsAsSafetensors(head) ? { ...(await openSafetensors(source)), container: "safetensors", close } : { ...(await openTorch(source)), container: "torch", close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A length in 8 bytes, of which a real one needs 4, then JSON. A torch file is a zip or a pickle, and begins otherwise. */
const beginsAsSafetensors = (head: DataView) => head.byteLength === 9 && head.getUint32(4, true) === 0 && head.getUint8(8) === "{".charCodeAt(0);
