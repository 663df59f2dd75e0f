/** Places in a block: as dictionary_learning's folders name them, and as TransformerLens' hooks do, which SAELens follows. */
const places: Readonly<Record<string, string>> = {
  resid_pre: "hook_resid_pre",
  attn_z: "attn.hook_z",
  attn_out: "hook_attn_out",
  mlp_out: "hook_mlp_out",
  resid_post: "hook_resid_post",
};

/** `resid_post_layer_3` → `blocks.3.hook_resid_post`; other names as they are. */
export function hookName(site: string): string {
  const [, place, layer] = /^(\w+?)_layer_?(\d+)$/.exec(site) ?? [];
  return place !== undefined && Object.hasOwn(places, place) ? `blocks.${layer}.${places[place]}` : site;
}

/** `blocks.3.hook_resid_post` → `resid_post_layer_3`; other names as they are. */
export function submoduleName(site: string): string {
  const [, layer, hook] = /^blocks\.(\d+)\.(.+)$/.exec(site) ?? [];
  const place = Object.keys(places).find((name) => places[name] === hook);
  return place ? `${place}_layer_${layer}` : site;
}

/** The layer in either spelling. */
export function layerOf(site: string): number | undefined {
  const [, digits] = /(?:^blocks\.|_layer_?)(\d+)/.exec(site) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
