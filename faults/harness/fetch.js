// node fetch.js JSON: reads files of a loopback Hub through a cache that others use too, and prints their hashes.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { openHub } from "@dictlearn/hub";

const { options, file, ranges, entry } = JSON.parse(process.argv[2]);
const hub = openHub(options);
const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");
const read = {
  file: async () => readFile(await hub.file(...file)),
  ranges: async () => {
    const source = await hub.source(...ranges);
    const bytes = Buffer.from(await source.slice(0, source.byteLength));
    await source.close();
    return bytes;
  },
  entry: async () => readFile(await hub.zipEntry(...entry)),
};
for (const [name, one] of Object.entries(read)) console.log(name, digest(await one()));
