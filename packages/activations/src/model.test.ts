import { readFileSync } from "node:fs";
import { memorySource, openSafetensors } from "@dictlearn/checkpoint";
import { copyRowsInto, type Device } from "@dictlearn/kernels";
import { openNeox, packRows, parseConfig, type Neox } from "@dictlearn/neox";
import { devices, oracle } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { openBuffer, restoreBuffer, type ActivationBuffer, type ActivationSource, type TokenRows } from "./index.js";

// A real model behind the buffer: what a harvest is, in small.

const folder = "neox/a-parallel-f32/model";
const config = parseConfig(JSON.parse(readFileSync(oracle(`${folder}/config.json`), "utf8")));
const weights = await openSafetensors(memorySource(readFileSync(oracle(`${folder}/model.safetensors`))));
const sites = ["layers.0.mlp_out", "layers.1.resid_post"];
const text = Array.from({ length: 30 }, (_, r) => Uint32Array.from({ length: 3 + ((r * 7) % 11) }, (_, t) => (r * 31 + t * 17) % config.vocabulary));

function harvest(device: Device, model: Neox, cursor: number): ActivationSource {
  const rerun = async ({ tokens, start }: TokenRows) => {
    const rows = packRows(Array.from(start.subarray(1), (end, r) => tokens.subarray(start[r], end)));
    const out = Object.fromEntries(sites.map((site) => [site, device.empty("f32", [tokens.length, config.width])]));
    const at = Object.fromEntries(sites.map((site) => [site, (x: typeof out.x, { firstRow }: { firstRow: number }) => copyRowsInto(out[site], x, { at: start[firstRow] })]));
    await model.run(rows, { at });
    return out;
  };
  return {
    device,
    rerun,
    async next() {
      if (cursor >= text.length) return undefined;
      const rows = packRows(text.slice(cursor, (cursor += 4)));
      return { rows, activations: await rerun(rows), cursor };
    },
  };
}

async function drain(buffer: ActivationBuffer, most = Infinity): Promise<Uint32Array[]> {
  const batches: Uint32Array[] = [];
  while (batches.length < most) {
    const batch = await buffer.next();
    if (!batch) break;
    for (const site of sites) {
      batches.push(new Uint32Array((await batch[site].read()).buffer));
      batch[site].dispose();
    }
  }
  return batches;
}

const cpus = (await devices()).flatMap(({ device }) => (device?.exact ? [device] : []));

test.each(cpus)("a model's activations after a resume are the same bits, whatever rows it runs on together: $label", async (device) => {
  using model = openNeox({ device, config, weights });
  const options = { batchSize: 16, capacity: 64, seed: 9, skipFirst: 1 };
  using whole = openBuffer(harvest(device, model, 0), options);
  const expected = await drain(whole);
  expect(expected.length).toBeGreaterThan(20);
  for (const k of [0, 1, 2, 5, 9]) {
    using first = openBuffer(harvest(device, model, 0), options);
    await drain(first, sites.length * k);
    const state = await first.state();
    using second = await restoreBuffer(harvest(device, model, (state.json.cursor as number | null) ?? 0), state);
    expect(await drain(second)).toEqual(expected.slice(sites.length * k));
  }
});
