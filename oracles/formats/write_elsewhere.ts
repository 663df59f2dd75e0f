// Writes dictionaries as SAELens and sparsify save theirs: those of each trainer of this project, and some of other libraries
// again. usage: node write_elsewhere.ts OUT      (after `pnpm build`); then open_elsewhere.py reads OUT
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { convertDictionary } from "../../packages/dictlearn/dist/index.js";
import { cases } from "./elsewhere.ts";

const [out] = process.argv.slice(2);
await mkdir(out, { recursive: true });
await writeFile(`${out}/sources.json`, JSON.stringify(Object.fromEntries(Object.entries(cases).map(([name, { source }]) => [name, source]))));
for (const [name, { source, to }] of Object.entries(cases)) {
  await mkdir(dirname(`${out}/${name}`), { recursive: true });
  await convertDictionary(fileURLToPath(new URL(source, new URL("../", import.meta.url))), `${out}/${name}`, { to });
}
