import { expect, test } from "vitest";
import { nearest } from "./nearest.js";

const names = ["num_tokens", "layer", "lr", "l1_penalty", "k"];

test.each([
  ["num_token", "num_tokens"],
  ["Layers", "layer"],
  ["l1penalty", "l1_penalty"],
  ["lr", "lr"],
  ["completely_else", undefined],
  ["x", undefined],
])("%s → %s", (word, expected) => expect(nearest(word, names)).toBe(expected));
