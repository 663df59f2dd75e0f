import { toBase64 } from "../../page/base64.js";
import { Activations } from "../../page/activations.js";
import { describe, expect, test } from "vitest";
import { seededReading } from "../../../test/reading.js";
import { topFeatures } from "../../topFeatures.js";
import { keptActivations, type KeptActivations } from "./keptActivations.js";

const tokens = seededReading(1, { l0: 12 }).sentences.flatMap(({ perToken }) => perToken.map(({ features }) => features));
const activations = tokens.reduce((sum, { index }) => sum + index.length, 0);
/** Where a feature is active, by looking everywhere. */
const placesOf = (feature: number) => tokens.flatMap(({ index, values }, place) => Array.from(index, (one, k) => ({ place, one, value: values[k] })).filter(({ one }) => one === feature).map(({ place, value }) => ({ place, value })));
const opened = ({ features, counts, places, values }: KeptActivations) => new Activations({ features, counts, places: toBase64(places), values: toBase64(values), l0: toBase64(Uint32Array.from(tokens, ({ index }) => index.length)) });
/** The best rank of a feature on a token. */
const ranked = tokens.map((row) => topFeatures(row, 20).map(({ feature }) => feature));
const rankOf = (feature: number) => Math.min(...ranked.map((features) => features.indexOf(feature)).filter((rank) => rank >= 0));

test("all is kept where it fits; a page finds it by feature and by token, to the last bit", () => {
  const kept = keptActivations(tokens, { first: [], most: activations });
  const all = [...new Set(tokens.flatMap(({ index }) => Array.from(index)))].sort((a, b) => a - b);
  expect(kept.features).toEqual(all);
  expect(kept.active).toBe(all.length);
  const page = opened(kept);
  for (const feature of all) expect(page.of(feature)).toEqual(placesOf(feature));
  expect(page.of(199_999)).toEqual([]);
  tokens.forEach((row, place) => expect(page.at(place, 5)).toEqual(topFeatures(row, 5).map(({ feature, weight }) => ({ feature, value: weight }))));
  expect([...page.l0]).toEqual(tokens.map(({ index }) => index.length));
});

describe.each([0, 1, 50, 300, 900])("of %i activations", (most) => {
  const kept = keptActivations(tokens, { first: [], most });

  test("no more are kept, and those of a feature all or none", () => {
    expect(kept.values.length).toBeLessThanOrEqual(most);
    const page = opened(kept);
    for (const feature of kept.features) expect(page.of(feature)).toEqual(placesOf(feature));
  });

  test("what is left out is nowhere stronger among others than what is kept", () => {
    const worst = Math.max(0, ...kept.features.map(rankOf));
    const left = [...new Set(tokens.flatMap(({ index }) => Array.from(index)))].filter((feature) => !kept.features.includes(feature));
    for (const feature of left) expect(rankOf(feature)).toBeGreaterThanOrEqual(kept.features.length ? worst : 0);
    expect(kept.features.length + left.length).toBe(kept.active);
  });
});

test("features that must come first do; those that are active nowhere are not there", () => {
  const weak = [...new Set(tokens.flatMap(({ index }) => Array.from(index)))].sort((a, b) => rankOf(b) - rankOf(a))[0];
  const most = placesOf(weak).length;
  expect(keptActivations(tokens, { first: [weak, 199_999], most }).features).toEqual([weak]);
});

test("an entry of 0 is no activation", () => {
  expect(keptActivations([{ index: [1, 4], values: [0, -2] }], { first: [], most: 9 })).toMatchObject({ features: [4], counts: [1], active: 1 });
});
