import { type FeatureDetail, type FeatureExample, type FeatureSet } from "./featureDetail.js";

/**
 * A feature as a line of JSON, in the fields of Neuronpedia's feature API: `pos_str`, `frac_nonzero`,
 * `freq_hist_data_bar_heights`, `activations` and so on, with examples drawn at random (`isSample`) behind the strongest.
 * What it has no field for stands in `ablation`.
 * @param text of a token id
 * @param textsOf what the tokens of an example stand for, where that does not follow from each alone
 */
export function neuronpediaLine({ model, site, tokens, texts: corpus }: FeatureSet, feature: FeatureDetail, text: (token: number) => string, textsOf: (tokens: readonly number[]) => readonly (string | undefined)[] = () => []): string {
  const { index, count, max, histogram, examples, samples, promoted, suppressed, nearest } = feature;
  const [, layer, place = site] = /^layers\.(\d+)\.(.+)$/.exec(site) ?? [];
  const changes = (side: readonly { token: number; before: number; after: number }[]) => side.map(({ token, before, after }) => ({ token: text(token), before, after }));
  const activation = ({ row, position, peak, tokens, values, ablation }: FeatureExample, isSample: boolean, texts = textsOf(tokens)) => ({
    tokens: tokens.map((token, i) => texts[i] ?? text(token)),
    values,
    maxValue: values[peak],
    maxValueTokenIndex: peak,
    minValue: values.reduce((least, value) => Math.min(least, value), Infinity),
    dataIndex: `${row}:${position}`,
    dataSource: corpus,
    ...(isSample && { isSample }),
    ...(ablation && { ablation: { lossChange: ablation.lossChange ?? null, falls: changes(ablation.falls), rises: changes(ablation.rises) } }),
  });
  return `${JSON.stringify({
    modelId: model,
    layer: layer === undefined ? site : `${layer}-${place}`,
    index: String(index),
    hookName: layer === undefined ? site : `blocks.${layer}.hook_${place}`,
    maxActApprox: max,
    frac_nonzero: count / tokens,
    pos_str: promoted.map(({ token }) => text(token)),
    pos_values: promoted.map(({ weight }) => weight),
    neg_str: suppressed.map(({ token }) => text(token)),
    neg_values: suppressed.map(({ weight }) => weight),
    freq_hist_data_bar_heights: histogram.counts,
    freq_hist_data_bar_values: histogram.counts.map((_, i) => (i + 0.5) * histogram.width),
    topkCosSimIndices: nearest.map(({ index }) => index),
    topkCosSimValues: nearest.map(({ cosine }) => cosine),
    activations: [...examples.map((example) => activation(example, false)), ...samples.map((example) => activation(example, true))],
  })}\n`;
}
