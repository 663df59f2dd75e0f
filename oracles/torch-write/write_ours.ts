// Writes the files that open_ours.py opens: `node write_ours.ts OUT`, with Node 24 (which takes types away) after a build.
import { mkdirSync, writeFileSync } from "node:fs";
import { torchMembers, writeTorch } from "../../packages/checkpoint/dist/writeTorch.js";
import { writeZip } from "../../packages/checkpoint/dist/writeZip.js";
import { files } from "./entries.ts";

const out = process.argv[2];
mkdirSync(out, { recursive: true });
for (const [name, entries] of Object.entries(files)) {
  writeFileSync(`${out}/${name}.pt`, Buffer.concat([...writeTorch(entries)]));
  writeFileSync(`${out}/${name}.zip64.pt`, Buffer.concat([...writeZip(torchMembers(entries), 100)])); // as past 4 GiB
}
