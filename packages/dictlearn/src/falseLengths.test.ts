import { readFileSync } from "node:fs";
import { demo } from "@dictlearn/demo";
import { expect, test } from "vitest";
import { refuseFalseLengths } from "./falseLengths.js";

const expectRefused = (json: Record<string, unknown>) => expect(() => refuseFalseLengths(json, "x/tokenizer.json")).toThrow(expect.objectContaining({ code: "FORMAT", message: expect.stringMatching(/^x\/tokenizer\.json: expected texts, lists and whole lengths, got /) }));

test("objects that pass for texts or lists are refused, wherever they stand", () => {
  const endless = { length: 2 ** 31 };
  expectRefused({ added_tokens: [{ id: 0, content: endless }] });
  expectRefused({ post_processor: { type: "TemplateProcessing", single: endless } });
  expectRefused({ normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: endless }] } });
  expectRefused({ model: { type: "WordPiece", continuing_subword_prefix: endless, vocab: {} } });
  expectRefused({ model: { type: "Unigram", vocab: { length: 3e7, 0: ["a", 1] } } });
});

test("a step that would never get on is refused", () => {
  for (const length of [0, -1, 0.5, "1", null, { length: 1 }]) expectRefused({ pre_tokenizer: { type: "FixedLength", length } });
});

test("what published tokenizers have passes", () => {
  const passes = (json: Record<string, unknown>) => expect(() => refuseFalseLengths(json, "x")).not.toThrow();
  passes(JSON.parse(readFileSync(new URL("tokenizer.json", `${demo.model}/`), "utf8")));
  passes({ model: { type: "BPE", vocab: { length: 7 }, merges: [["le", "ngth"]] }, pre_tokenizer: { type: "FixedLength", length: 4 } });
  passes({ model: { type: "Unigram", vocab: [["length", -1]] }, truncation: null });
});
