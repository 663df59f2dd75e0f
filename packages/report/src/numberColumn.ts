import { formatG } from "./formatG.js";

/**
 * A column of texts as tabulate shows it: as they are, unless every one looks like a number (`42`, `1,000`, `1e5`,
 * `True`; empty ones do not count) and some are not whole; then all are numbers of 6 digits: `3.50` → `3.5`.
 * @see tabulate 0.10, `_column_type` and `_format`
 */
export function numberColumn(texts: readonly string[]): readonly string[] {
  const kinds = texts.filter((text) => text !== "").map(kindOf);
  if (kinds.includes("text") || !kinds.includes("real")) return texts;
  return texts.map((text) => (text === "" || truths.has(text) ? text : formatG(pythonFloat(text))));
}

const truths = new Set(["True", "False"]);

const digits = String.raw`\d+(?:_\d+)*`; // Python allows 1_000
const whole = new RegExp(String.raw`^\s*[+-]?${digits}\s*$|^[+-]?\d{1,3}(?:,\d{3})*$`);
const real = new RegExp(String.raw`^\s*[+-]?(?:${digits}\.?(?:${digits})?|\.${digits})(?:e[+-]?${digits})?\s*$`, "i");
const realWithThousands = /^[+-]?\d{1,3}(?:,\d{3})*\.\d*$/;
const notFinite = /^(?:-?inf|nan)$/i;

function kindOf(text: string): "whole" | "real" | "text" {
  if (truths.has(text) || whole.test(text)) return "whole";
  if (notFinite.test(text) || realWithThousands.test(text)) return "real";
  return real.test(text) && Number.isFinite(pythonFloat(text)) ? "real" : "text"; // 1e999 is text
}

function pythonFloat(text: string): number {
  return Number(text.replace(/[,_]/g, "").replace(/inf/i, "Infinity"));
}
