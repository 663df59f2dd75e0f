// node examples/convert-dictionary.mjs: a dictionary written for SAELens, and opened again. Which library a folder is of follows
// from what its files hold.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDevice } from "@dictlearn/kernels/node";
import { convertDictionary, openDictionary } from "dictlearn";

const device = await openDevice();
const folder = await mkdtemp(join(tmpdir(), "dictlearn-"));
const { from, to, kind, files } = await convertDictionary("demo", join(folder, "sae"), { to: "saelens" }); // or a folder of yours
console.log(`${from} to ${to}: ${kind} as ${JSON.parse(await readFile(files.config, "utf8")).architecture}`);

const dictionary = await openDictionary(join(folder, "sae"), { device });
console.log(`D = ${dictionary.D}, F = ${dictionary.F}`);
dictionary.dispose();
await rm(folder, { recursive: true });
device.dispose();
