import { sliceRows, type Tensor } from "@dictlearn/kernels";
import { openDevice } from "@dictlearn/kernels/node";
import { devices, expectClose } from "@dictlearn/testing";
import { afterAll, describe, expect, test, vi } from "vitest";
import { oracleModel, openOn } from "../test/oracleModel.js";
import { packRows, type Hook, type HooksBySite } from "./index.js";
import { sitesOf } from "./sites.js";

const device = await openDevice({ backend: "cpu", threads: 1 });
const neox = openOn(device, await oracleModel("a-parallel-f32"));
const rows = packRows([[1, 2, 3]]);
afterAll(() => device.dispose());

test("hooks are called in the order of the pass, however they are written", async () => {
  const seen: string[] = [];
  const hook: Hook = (_, { site }) => void seen.push(site);
  await neox.run(rows, { at: { final_norm: hook, "blocks.1.hook_resid_post": hook, mlp_out_layer0: hook, "gpt_neox.embed_in": hook } });
  expect(seen).toEqual(["embed", "layers.0.mlp_out", "layers.1.resid_post", "final_norm"]);
});

test("without hooks and logits nothing runs", async () => {
  expect(await neox.run(rows)).toEqual({});
});

test("a tensor of the caller's that a hook returns stays the caller's", async () => {
  using mine = device.zeros([3, 32]);
  for (const site of ["embed", "layers.0.attn_z", "layers.0.resid_post", "final_norm"]) await neox.run(rows, { at: { [site]: () => mine } });
  expect(await mine.read()).toEqual(new Float32Array(96));
});

test.each<[string, HooksBySite, string, string, string?]>([
  ["another shape", { mlp_out_layer1: (x) => sliceRows(x, { start: 0, end: 2 }) }, "SHAPE", "layers.1.mlp_out: expected the hook to return f32[3,32], got f32[2,32]"],
  ["another dtype", { embed: (x) => device.zeros(x.shape, "u32") }, "SHAPE", "embed: expected the hook to return f32[3,32], got u32[3,32]"],
  ["a promise", { embed: (async () => {}) as never }, "USAGE", "embed: expected the hook to return a tensor or nothing, got Promise", "hooks are synchronous: call x.read() inside, await it after the run"],
  ["a site that does not exist", { "layers.3.mlp_out": () => {} }, "USAGE", 'site: expected a layer in 0..2, got "layers.3.mlp_out"'],
  ["a site twice", { "layers.1.mlp_out": () => {}, mlp_out_layer1: () => {} }, "USAGE", 'hooks: expected one hook for layers.1.mlp_out, got another as "mlp_out_layer1"'],
  ["no function", { embed: 3 as never }, "USAGE", "hooks: expected a function for embed, got number"],
])("%s: refused", async (_, at, code, message, remedy) => {
  await expect(neox.run(rows, { at, logits: true })).rejects.toMatchObject({ name: "NeoxError", code, message, remedy });
});

test("what a hook throws reaches the caller", async () => {
  await expect(neox.run(rows, { at: { embed: () => { throw new RangeError("mine"); } } })).rejects.toThrow(RangeError);
});

describe.each(await devices())("means on $name", ({ device: found, skipped }) => {
  test.skipIf(skipped).each(["a-parallel-f32", "b-sequential-f32"])("of %s: at every site those of the activation, within rounding, in parts and with padding", async (name) => {
    const model = openOn(found!, await oracleModel(name), { activationBytes: 4 * 128 * 12 }); // a part has 12 tokens
    const packed = packRows([[1, 2, 3, 1], [2, 2], [5, 1, 2, 3, 4, 4, 4], [3], [2, 1, 1, 1, 5]], { attended: [3, 2, 7, 1, 4] });
    const sites = sitesOf(model.config.layers);
    const told = new Map<string, Promise<Float32Array>[]>(sites.map((site) => [site, []]));
    const all = new Map<string, Promise<Float32Array>[]>(sites.map((site) => [site, []]));
    const note = (map: typeof told): Hook => (x, { site }) => void map.get(site)!.push(x.read() as Promise<Float32Array>);
    const each = <H>(hook: H) => Object.fromEntries(sites.map((site) => [site, hook]));
    await model.run(packed, { means: each(note(told)), at: each(note(all)) });
    for (const site of sites) {
      const [means, x] = await Promise.all([told, all].map(async (map) => (await Promise.all(map.get(site)!)).flatMap((part) => [...part])));
      const D = x.length / packed.tokens.length;
      const expected = Array.from(packed.start.subarray(1), (end, r) => Array.from({ length: D }, (_, d) => { let sum = 0; for (let n = packed.start[r]; n < end; n++) sum += x[n * D + d]; return sum / (end - packed.start[r]); })).flat();
      expectClose(Float32Array.from(means), expected, { absolute: 1e-5, relative: 1e-5 });

      // alone, where the pass ends in them
      const alone: Promise<Float32Array>[] = [];
      await model.run(packed, { means: { [site]: (y) => void alone.push(y.read() as Promise<Float32Array>) } });
      expectClose(Float32Array.from((await Promise.all(alone)).flatMap((part) => [...part])), expected, { absolute: 1e-5, relative: 1e-5 });
    }
  });
});

test("where only the means of an MLP's output are asked for, its last product is one of rows, not of tokens", async () => {
  const run = vi.spyOn(device, "run");
  await neox.run(packRows([[1, 2, 3, 4, 5], [2, 3]]), { means: { "layers.1.mlp_out": () => {} } });
  const last = run.mock.calls.filter(([op]) => op.name === "linear").at(-1)!;
  run.mockRestore();
  expect([(last[1] as { x: Tensor }).x.shape, (last[2] as { y: Tensor }).y.shape]).toEqual([[2, neox.config.mlpWidth], [2, neox.config.width]]);
});

test("an activation is valid during the call only", async () => {
  let kept: Tensor | undefined;
  await neox.run(rows, { at: { embed: (x) => void (kept = x) } });
  expect(() => kept!.read()).toThrow(expect.objectContaining({ code: "DISPOSED" }));
});
