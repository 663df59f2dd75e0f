import { distance } from "fastest-levenshtein";
import { NeoxError } from "./error.js";

/** The places in a block that hooks see, in the order of the forward pass. */
const block = ["resid_pre", "attn_in", "attn_z", "attn_out", "mlp_in", "mlp_out", "resid_post"] as const;

/** Every site of a model, in the order of the forward pass. */
export function sitesOf(layers: number): string[] {
  return ["embed", ...Array.from({ length: layers }, (_, l) => block.map((name) => `layers.${l}.${name}`)).flat(), "final_norm"];
}

/**
 * What people write for a site, N standing for the layer: our name first, then Hugging Face's module (its output),
 * TransformerLens' hook, and the directory names of dictionary_learning.
 */
const spellings: Readonly<Record<string, readonly string[]>> = {
  embed: ["embed_in", "gpt_neox.embed_in", "hook_embed"],
  "layers.N.resid_pre": ["blocks.N.hook_resid_pre", ...layerN("resid_pre")],
  "layers.N.attn_in": [...module("input_layernorm"), ...layerN("attn_in")],
  "layers.N.attn_z": ["blocks.N.attn.hook_z", ...layerN("attn_z")],
  "layers.N.attn_out": [...module("attention"), ...module("attention.dense"), "blocks.N.hook_attn_out", ...layerN("attn_out"), ...layerN("attn")],
  "layers.N.mlp_in": [...module("post_attention_layernorm"), ...layerN("mlp_in")],
  "layers.N.mlp_out": [...module("mlp"), ...module("mlp.dense_4h_to_h"), "blocks.N.hook_mlp_out", ...layerN("mlp_out"), ...layerN("mlp")],
  "layers.N.resid_post": ["layers.N", "gpt_neox.layers.N", "blocks.N.hook_resid_post", ...layerN("resid_post"), ...layerN("resid_out"), ...layerN("resid")],
  final_norm: ["final_layer_norm", "gpt_neox.final_layer_norm"],
};
const canonical = new Map(Object.entries(spellings).flatMap(([site, others]) => [site, ...others].map((text) => [text, site])));

const layerOf = /(?<=layers\.|blocks\.|_layer_?)\d+/;

function layerN(name: string): string[] {
  return [`${name}_layerN`, `${name}_layer_N`];
}
function module(name: string): string[] {
  return [`layers.N.${name}`, `gpt_neox.layers.N.${name}`];
}

/**
 * The canonical name of a site: `gpt_neox.layers.3.mlp`, `blocks.3.hook_mlp_out`, `mlp_out_layer3` → `layers.3.mlp_out`.
 * @param layers how many layers the model has
 * @throws NeoxError USAGE for a name that is no site, with the nearest as its remedy, or a layer past the last
 */
export function parseSite(text: string, layers: number): string {
  const [digits] = layerOf.exec(text) ?? [];
  const site = canonical.get(text.replace(layerOf, "N"));
  if (!site || site.includes("N") !== (digits !== undefined)) {
    const near = nearest(text, layers);
    throw new NeoxError("USAGE", `site: expected one of embed, layers.N.{${block.join(", ")}}, final_norm, got ${JSON.stringify(text)}`, near && `did you mean ${near}?`);
  }
  if (Number(digits) >= layers) throw new NeoxError("USAGE", `site: expected a layer in 0..${layers - 1}, got ${JSON.stringify(text)}`);
  return site.replace("N", String(Number(digits)));
}

/** The site one of whose spellings is the fewest edits away, if that is fewer than a third of the text. */
function nearest(text: string, layers: number): string | undefined {
  let best: string | undefined;
  let fewest = Math.ceil(text.length / 3);
  const asked = text.toLowerCase();
  for (const [spelling, site] of canonical) {
    for (let l = 0; l < (spelling.includes("N") ? layers : 1); l++) {
      const known = spelling.replace("N", String(l));
      if (Math.abs(known.length - asked.length) >= fewest) continue; // so many edits at the least: of a path's parts most end here
      const edits = distance(asked, known);
      if (edits < fewest) [best, fewest] = [site.replace("N", String(l)), edits];
    }
  }
  return best;
}
