import { type Hub } from "@dictlearn/hub";
import * as dictlearn from "dictlearn";
import { type Asked } from "./settings.js";

export interface Names {
  model_name: string;
  dataset_name: string;
}

/** Which model and texts to use. Where the demo stands in for them, a line says so, and results go under a name that does. */
export async function chooseNames({ settings: { model_name, dataset_name }, saveDir, named }: Asked, { note, ...place }: { hub: Hub; offline: boolean; note: (line: string) => void }): Promise<Names & { saveDir: string }> {
  const { names: { model, texts }, unreachable } = await dictlearn.chooseNames({ model: named.model ? model_name : undefined, texts: named.dataset ? dataset_name : undefined }, place);
  if (unreachable === undefined) return { saveDir, model_name: model, dataset_name: texts };
  const folder = `${saveDir.replace(/[\\/]+$/, "")}/demo`;
  note(`model and texts: the Hugging Face Hub is out of reach (${unreachable}), so this is the bundled demo, saved under ${folder} (--model-name and --dataset-name name others)`);
  return { saveDir: folder, model_name: model, dataset_name: texts };
}
