// Trains, and writes NAME/{ae.pt,config.json} beside itself for open_ours.py: `node write_ours.ts`, with Node 24 (which takes types away) after a build.
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { writeTorch } from "../../packages/checkpoint/dist/index.js";
import { openDevice } from "../../packages/kernels/dist/node.js";
import * as sae from "../../packages/sae/dist/index.js";
import { readOracle } from "../../packages/testing/dist/oracle.js";
import { specs, trained } from "./runs.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const data = readOracle("trainers/data.safetensors").x.data as Float32Array;
const device = await openDevice({ backend: "cpu", threads: 1, engine: "wasm" });
for (const [name, spec] of Object.entries(specs(sae))) {
  const { tensors, config } = await trained(sae, spec, { device, data });
  mkdirSync(here(name), { recursive: true });
  writeFileSync(here(`${name}/ae.pt`), Buffer.concat([...writeTorch(tensors)]));
  writeFileSync(here(`${name}/config.json`), `${JSON.stringify(config, null, 4)}\n`);
}
device.dispose();
