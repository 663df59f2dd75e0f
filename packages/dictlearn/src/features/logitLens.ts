import { linear, meanRows, mul, scale, sub, sumColumns, transpose, type Tensor } from "@dictlearn/kernels";
import { type Model } from "../openModel.js";

/** How a vector at a site reaches the logits. */
export interface DirectWay {
  /** f32[V,D]: a vector's products with its rows are what it adds to the logits. The caller disposes it. */
  readonly unembedding: Tensor;
  /** For people. */
  readonly description: string;
}

/**
 * The direct way from a site to the logits, past all layers that come after it. To the residual stream a vector d is added
 * as it is; the final norm takes d's mean from it and multiplies by its weight, while its division is left out, since that
 * depends on the rest of the stream (so weights compare within a feature, and between features of like norm). What all
 * logits get alike changes no probability and is left out: unembedding rows are taken less their mean.
 * @param site canonical; default the residual stream
 * @returns undefined for a site that is read by a layer only (`attn_in`, `mlp_in`)
 * @see nostalgebraist 2020, "interpreting GPT: the logit lens"; Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits"
 */
export async function directWay(model: Model, site = "embed"): Promise<DirectWay | undefined> {
  const { neox, device } = model;
  const [, layer, place = site] = /^layers\.(\d+)\.(.+)$/.exec(site) ?? [];
  if (place === "attn_in" || place === "mlp_in") return undefined;
  const embedOut = await neox.weight("embed_out.weight"); // f32[V,D]
  const norm = await neox.weight("final_layer_norm.weight"); // f32[D]
  const output = place === "attn_z" ? await neox.weight(`layers.${layer}.attention.dense.weight`) : undefined; // f32[D,D]
  const [V] = embedOut.shape;
  const unembedding = device.scope(() => {
    const centred = sub(embedOut, scale(sumColumns(embedOut), 1 / V)); // f32[V,D]
    if (place === "final_norm") return centred;
    const weighted = mul(centred, norm);
    const throughNorm = sub(weighted, meanRows(weighted).reshape([V, 1])); // (d - mean d)·w = d·(w - mean w)
    return output ? linear(throughNorm, transpose(output)) : throughNorm;
  });
  const way = place === "final_norm" ? "the unembedding" : place === "attn_z" ? "the attention's output matrix, the final norm's weight and the unembedding" : "the final norm's weight and the unembedding";
  return { unembedding: device.keep(unembedding), description: `decoder row, through ${way}, past all layers between; less the mean over the vocabulary` };
}
