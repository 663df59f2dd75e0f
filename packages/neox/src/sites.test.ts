import { expect, test } from "vitest";
import { parseSite, sitesOf } from "./index.js";

test("sites stand in the order of the pass, and each is its own name", () => {
  expect(sitesOf(1)).toEqual(["embed", "layers.0.resid_pre", "layers.0.attn_in", "layers.0.attn_z", "layers.0.attn_out", "layers.0.mlp_in", "layers.0.mlp_out", "layers.0.resid_post", "final_norm"]);
  for (const site of sitesOf(12)) expect(parseSite(site, 12)).toBe(site);
});

test.each([
  ["mlp_out_layer3", "layers.3.mlp_out"],
  ["mlp_out_layer_3", "layers.3.mlp_out"],
  ["resid_post_layer_3", "layers.3.resid_post"],
  ["resid_out_layer3", "layers.3.resid_post"],
  ["resid_pre_layer_11", "layers.11.resid_pre"],
  ["attn_out_layer3", "layers.3.attn_out"],
  ["gpt_neox.layers.3", "layers.3.resid_post"],
  ["gpt_neox.layers.3.mlp", "layers.3.mlp_out"],
  ["gpt_neox.layers.3.mlp.dense_4h_to_h", "layers.3.mlp_out"],
  ["gpt_neox.layers.3.attention", "layers.3.attn_out"],
  ["gpt_neox.layers.3.input_layernorm", "layers.3.attn_in"],
  ["layers.3.post_attention_layernorm", "layers.3.mlp_in"],
  ["gpt_neox.embed_in", "embed"],
  ["gpt_neox.final_layer_norm", "final_norm"],
  ["blocks.3.hook_resid_pre", "layers.3.resid_pre"],
  ["blocks.10.hook_resid_post", "layers.10.resid_post"],
  ["blocks.3.hook_mlp_out", "layers.3.mlp_out"],
  ["blocks.3.hook_attn_out", "layers.3.attn_out"],
  ["blocks.3.attn.hook_z", "layers.3.attn_z"],
])("%s is %s", (text, site) => {
  expect(parseSite(text, 12)).toBe(site);
});

const refused = "site: expected one of embed, layers.N.{resid_pre, attn_in, attn_z, attn_out, mlp_in, mlp_out, resid_post}, final_norm";

test.each([
  ["mlp_outt_layer3", "did you mean layers.3.mlp_out?"],
  ["layers.3.mpl_out", "did you mean layers.3.mlp_out?"],
  ["layers.10.resid_pst", "did you mean layers.10.resid_post?"],
  ["Embed", "did you mean embed?"],
  ["blocks.3.hook_mlp_outt", "did you mean layers.3.mlp_out?"],
  ["layers.N.mlp_out", undefined],
  ["layers.3.constructor", undefined],
  ["transformer.h.0.attn.c_proj", undefined],
  ["", undefined],
])("%j is no site", (text, remedy) => {
  const error = { name: "NeoxError", code: "USAGE", message: `${refused}, got ${JSON.stringify(text)}` };
  if (text !== "layers.N.mlp_out") expect(() => parseSite(text, 12)).toThrow(expect.objectContaining({ ...error, remedy }));
  else expect(() => parseSite(text, 12)).toThrow(expect.objectContaining(error));
});

test("a layer past the last is named with those there are", () => {
  expect(() => parseSite("mlp_out_layer6", 6)).toThrow('site: expected a layer in 0..5, got "mlp_out_layer6"');
  expect(() => parseSite("gpt_neox.layers.99", 6)).toThrow('site: expected a layer in 0..5, got "gpt_neox.layers.99"');
});
