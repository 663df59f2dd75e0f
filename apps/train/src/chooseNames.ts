import { existsSync } from "node:fs";
import { type Hub } from "@dictlearn/hub";
import { outOfReach } from "dictlearn";
import { usual } from "./params.js";
import { type Asked } from "./settings.js";

export interface Names {
  model_name: string;
  dataset_name: string;
}

/**
 * Which model and texts to use. What was named is never replaced. Where neither was, and the Hub can't be reached, the
 * bundled demo stands in for both, and its results go under a name that says so. If one is the demo, the other's default is too.
 */
export async function chooseNames({ settings, saveDir, named }: Asked, { hub, offline, note }: { hub: Hub; offline: boolean; note: (line: string) => void }): Promise<Names & { saveDir: string }> {
  const { model_name, dataset_name } = settings;
  const demo = "demo";
  if (named.model || named.dataset) {
    const isDemo = model_name === demo || dataset_name === demo;
    return { saveDir, model_name: isDemo && !named.model ? demo : model_name, dataset_name: isDemo && !named.dataset ? demo : dataset_name };
  }
  const why = await outOfReach(
    [
      ...(existsSync(usual.model_name) ? [] : [() => hub.file({ repo: usual.model_name }, "config.json")]),
      ...(existsSync(usual.dataset_name) ? [] : [() => hub.file({ type: "dataset", repo: usual.dataset_name }, "README.md")]),
    ],
    { offline },
  );
  if (why === undefined) return { saveDir, model_name, dataset_name };
  const folder = `${saveDir.replace(/[\\/]+$/, "")}/demo`;
  note(`model and texts: the Hugging Face Hub is out of reach (${why}), so this is the bundled demo, saved under ${folder} (--model-name and --dataset-name name others)`);
  return { saveDir: folder, model_name: demo, dataset_name: demo };
}
