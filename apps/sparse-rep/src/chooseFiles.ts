import { type Hub } from "@dictlearn/hub";
import { chooseNames } from "dictlearn";

export interface Choice {
  model: string;
  dictionary: string;
}

/** Which model and dictionary to open; where the demo stands in for them, a line says so. */
export async function chooseFiles({ model, dictionary }: Partial<Choice>, { note, ...place }: { hub: Hub; offline: boolean; note: (line: string) => void }): Promise<Choice> {
  const { names, unreachable } = await chooseNames({ model, dictionary }, place);
  if (unreachable !== undefined) note(`model and dictionary: the Hugging Face Hub is out of reach (${unreachable}), so this is the bundled demo (--model and --dictionary name others)`);
  return names;
}
