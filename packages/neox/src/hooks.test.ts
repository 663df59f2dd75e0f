import { sliceRows, type Tensor } from "@dictlearn/kernels";
import { openDevice } from "@dictlearn/kernels/node";
import { afterAll, expect, test } from "vitest";
import { oracleModel, openOn } from "../test/oracleModel.js";
import { packRows, type Hook, type HooksBySite } from "./index.js";

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

test("an activation is valid during the call only", async () => {
  let kept: Tensor | undefined;
  await neox.run(rows, { at: { embed: (x) => void (kept = x) } });
  expect(() => kept!.read()).toThrow(expect.objectContaining({ code: "DISPOSED" }));
});
