import { readFileSync } from "node:fs";
import { demo } from "@dictlearn/demo";
import { expect, test } from "vitest";
import { refuseGrowth } from "./growingSteps.js";

const byteLevel = { type: "ByteLevel", add_prefix_space: false };
const expectRefused = (json: Record<string, unknown>) => expect(() => refuseGrowth(json, "x/tokenizer.json")).toThrow(expect.objectContaining({ code: "UNSUPPORTED", message: expect.stringMatching(/^x\/tokenizer\.json: expected a /) }));

test("steps that each double a text, side by side or one in another, are refused before any text is read", () => {
  const fifty = Array.from({ length: 50 }, () => byteLevel);
  expectRefused({ pre_tokenizer: { type: "Sequence", pretokenizers: fifty } });
  expectRefused({ pre_tokenizer: fifty.reduce<object>((inner, step) => ({ type: "Sequence", pretokenizers: [step, inner] }), byteLevel) });
  expectRefused({ normalizer: { type: "Sequence", normalizers: Array.from({ length: 4 }, () => ({ type: "Replace", pattern: { String: "a" }, content: "aa" })) } });
  expectRefused({ normalizer: { type: "Replace", pattern: { String: "a" }, content: "a".repeat(65) } });
  expectRefused({ decoder: { type: "Sequence", decoders: Array.from({ length: 33 }, () => ({ type: "Fuse" })) } });
});

test("what published tokenizers have passes", () => {
  expect(() => refuseGrowth(JSON.parse(readFileSync(new URL("tokenizer.json", `${demo.model}/`), "utf8")), "demo")).not.toThrow();
  expect(() => refuseGrowth({ normalizer: { type: "Sequence", normalizers: [{ type: "Prepend", prepend: "▁" }, { type: "Replace", pattern: { String: " " }, content: "▁" }] }, decoder: { type: "Sequence", decoders: [{ type: "Replace", pattern: { String: "▁" }, content: " " }, { type: "ByteFallback" }, { type: "Fuse" }, { type: "Strip", content: " ", start: 1, stop: 0 }] } }, "llama")).not.toThrow();
  expect(() => refuseGrowth({ normalizer: null, pre_tokenizer: byteLevel, post_processor: byteLevel, decoder: byteLevel }, "neox")).not.toThrow();
});
