import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ActivationSource } from "@dictlearn/activations";
import { decodeSparse, encodeTopK, scale, sub } from "@dictlearn/kernels";
import { defineDictionary } from "@dictlearn/sae";
import { devices, expectClose, seededNormal } from "@dictlearn/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDictionary, RunDirectory, train } from "./index.js";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "defined-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const [{ device: cpu }] = await devices();
const device = cpu!;
const [site, D, F, c] = ["final_norm", 10, 16, 3.5];
const rows = seededNormal(1, 400 * D);

const centred = defineDictionary({
  name: "centred",
  parameters: ({ D, F }) => ({ encoder: [F, D], bias: [F], decoder: [F, D], centre: [D] }),
  encode: (p, x) => encodeTopK(sub(x, p.centre), p.encoder, p.bias, { k: 3 }),
  decode: (p, f) => decodeSparse(f, p.decoder, p.centre),
});
const spec = centred.trainer({ features: F, lr: 0.01 });

/** Activations in memory; a token's id is its row. */
function source(at = 0): ActivationSource & { widths: Record<string, number> } {
  const run = (tokens: Uint32Array) => ({ [site]: device.tensor(Float32Array.from({ length: tokens.length * D }, (_, i) => rows[tokens[Math.floor(i / D)] * D + (i % D)]), [tokens.length, D]) });
  return {
    device,
    widths: { [site]: D },
    rerun: async ({ tokens }) => run(tokens),
    async next() {
      if (at >= 400) return undefined;
      const tokens = Uint32Array.from({ length: 20 }, (_, i) => at + i);
      at += 20;
      return { rows: { tokens, start: Uint32Array.from({ length: 21 }, (_, i) => i) }, activations: run(tokens), cursor: at };
    },
  };
}
const options = { tokens: 160, batchSize: 16, bufferTokens: 64, seed: 5, normFactors: { [site]: c } };

test("a class of one's own is trained, stopped, resumed bit for bit, written and opened by its name", async () => {
  const whole = train(source(), spec, options);
  for await (const { loss } of whole) expect(loss).toBeGreaterThan(0);

  const run = new RunDirectory(folder);
  const half = train(source(), spec, options);
  for (let i = 0; i < 4; i++) await half.next();
  await run.writeState(await half.state(), {});
  half.dispose();
  const { state } = await run.readState();
  const resumed = train(source(state.buffer.json.cursor as number), spec, { ...options, state });
  for await (const { step } of resumed) expect(step).toBeGreaterThan(4);
  const [one, other] = [whole.trainees[0], resumed.trainees[0]];
  expect(await other.trainer.save()).toEqual(await one.trainer.save());

  const path = await run.writeDictionary(one, { normFactor: c });
  const { trainer: config } = JSON.parse(readFileSync(join(run.folderOf(one), "config.json"), "utf8"));
  expect(config).toMatchObject({ dict_class: "centred", activation_dim: D, dict_size: F, steps: 10, lr: 0.01 });
  await expect(openDictionary(path, { device })).rejects.toMatchObject({ code: "UNSUPPORTED", message: expect.stringContaining('got "centred" (config.json)'), remedy: "a class of one's own is given as definitions: [it]" });
  const opened = await openDictionary(path, { device, definitions: [centred] });

  // It takes the model's own activations: what it makes of x is c times what was trained on makes of x / c.
  const trained = one.trainer.saved.open(device, await one.trainer.weights());
  await device.scope(async () => {
    const x = device.tensor(rows.slice(0, 50 * D), [50, D]);
    const [got, expected] = [opened.encode(x), trained.encode(scale(x, 1 / c))];
    expect((await got.read()).index).toEqual((await expected.read()).index);
    expectClose(await opened.decode(got).read(), await scale(trained.decode(expected), c).read(), { relative: 1e-5, absolute: 1e-5 });
  });
  for (const owner of [opened, trained, whole, resumed]) owner.dispose();
});
