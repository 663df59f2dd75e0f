import { expect, test } from "vitest";
import { featuresFile, FeaturesIndex, featuresPage, vocabularyFile } from "./html.js";
import { type FeatureDetail, type FeatureSet, neuronpediaLine } from "./index.js";

const hostile = "</script><script>alert(1)</script>";
const set: FeatureSet = { model: hostile, dictionary: "d", site: "layers.3.mlp_out", texts: "t", F: 2, D: 4, tokens: 1000, rows: 10, contextLength: 128, skipFirst: 0, lens: "how" };
const texts = [" a", hostile, "\u2028", "\ufffd"];
const never: FeatureDetail = { index: 1, count: 0, max: 0, mean: 0, histogram: { width: 0, counts: [] }, examples: [], samples: [], promoted: [], suppressed: [], nearest: [] };
const feature: FeatureDetail = {
  index: 0, count: 5, max: 2.345678, mean: 1, histogram: { width: 0.25, counts: [3, 0, 2] },
  examples: [{ row: 3, position: 9, tokens: [0, 1, 2], values: [0, 2.345678, 0.5], peak: 1, ablation: { lossChange: 0.25, falls: [{ token: 1, before: 0.5, after: 0.25 }], rises: [] } }],
  samples: [{ row: 4, position: 1, tokens: [3, 3], values: [0, 1], peak: 1 }],
  promoted: [{ token: 2, weight: 0.75 }], suppressed: [{ token: 0, weight: -0.5 }], nearest: [{ index: 1, cosine: 0.125 }],
};

/** What a data file hands over when a page runs it. */
function run(file: string): [string, unknown] {
  let handed: [string, unknown] | undefined;
  new Function("featureData", file)((name: string, data: unknown) => (handed = [name, data]));
  return handed!;
}

test("data files hand over what the page shows, five digits of it, whatever stands in a token", () => {
  expect(run(vocabularyFile(texts))).toEqual(["vocabulary", texts]);
  const index = new FeaturesIndex(set);
  index.add([feature, never]);
  expect(run(index.file())).toEqual(["index", { tokens: 1000, count: [5, 0], max: [2.3457, 0], mean: [1, 0], peaks: [[1], []], promotes: [[2], []] }]);
  expect(run(featuresFile([feature, never], (tokens) => tokens.map((token) => (token === 3 ? "é" : undefined))))).toEqual([
    "0",
    [
      {
        count: 5, max: 2.3457, mean: 1, width: 0.25, bins: [3, 0, 2],
        examples: [{ row: 3, position: 9, peak: 1, tokens: [0, 1, 2], values: [1, 2.3457, 2, 0.5], ablation: { loss: 0.25, falls: [1, 0.5, 0.25], rises: [] } }],
        samples: [{ row: 4, position: 1, peak: 1, tokens: ["é", "é"], values: [1, 1] }],
        promoted: [2, 0.75], suppressed: [0, -0.5], nearest: [1, 0.125],
      },
      { count: 0, max: 0, mean: 0, width: 0, bins: [], examples: [], samples: [], promoted: [], suppressed: [], nearest: [] },
    ],
  ]);
  expect(run(featuresFile([{ ...never, index: 512 }]))[0]).toBe("2");
});

test("the page lets in its own script and the data beside it, and names are text", () => {
  const page = featuresPage(set, [5, 0]);
  expect(page).toMatch(/script-src 'sha256-[^']+' 'self' file:; require-trusted-types-for 'script'; trusted-types data;/);
  expect(page).not.toContain("<script>alert");
  expect(page).toContain("1 was active on none of them.");
});

test("a line of JSON has Neuronpedia's fields", () => {
  const line = neuronpediaLine(set, feature, (token) => texts[token], (tokens) => tokens.map((token, i) => (token === 3 ? ["", "é"][i] : undefined)));
  expect(line.match(/\n/g)).toHaveLength(1);
  expect(JSON.parse(line)).toEqual({
    modelId: hostile, layer: "3-mlp_out", index: "0", hookName: "blocks.3.hook_mlp_out",
    maxActApprox: 2.345678, frac_nonzero: 0.005,
    pos_str: ["\u2028"], pos_values: [0.75], neg_str: [" a"], neg_values: [-0.5],
    freq_hist_data_bar_heights: [3, 0, 2], freq_hist_data_bar_values: [0.125, 0.375, 0.625],
    topkCosSimIndices: [1], topkCosSimValues: [0.125],
    activations: [
      { tokens: [" a", hostile, "\u2028"], values: [0, 2.345678, 0.5], maxValue: 2.345678, maxValueTokenIndex: 1, minValue: 0, dataIndex: "3:9", dataSource: "t", ablation: { lossChange: 0.25, falls: [{ token: hostile, before: 0.5, after: 0.25 }], rises: [] } },
      { tokens: ["", "é"], values: [0, 1], maxValue: 1, maxValueTokenIndex: 1, minValue: 0, dataIndex: "4:1", dataSource: "t", isSample: true },
    ],
  });
});
