// The input side of a harvest, on one core: a file like the Pile's (JSON lines in zstd) decompressed, parsed and tokenized,
// beside the rate at which a model takes tokens. Texts must not be what a harvest waits for.
import { CommandError } from "@dictlearn/command";
import { openTexts, openTokenizer } from "dictlearn";
import { statSync } from "node:fs";
import { pileLike } from "../files/pileLike.js";
import * as harvest from "./harvest.js";

export const title = "Reading texts";

export async function rows(options) {
  const file = await pileLike(options.files, options.quick ? 1e6 : 30e6);
  const [row] = harvest.rows(options);
  return [
    {
      id: "texts",
      label: `${(statSync(file).size / 1e6).toFixed(1)} MB of compressed English, beside a harvest: ${row.label}`,
      shape: { file: file.replace(/^.*[\\/]/, "") },
      units: { parse: "character", tokenize: "token", harvest: "token" },
      base: "harvest",
      targets: {},
      warmup: 1,
      rounds: 3,
      sides: { parse: { what: "parse", file }, tokenize: { what: "tokenize", file }, harvest: row.ours },
    },
  ];
}

/** Reads texts: all of them, or 6 million characters and their tokens. */
export async function open({ what, file, ...params }) {
  if (!what) return harvest.open(params);
  const tokenizer = what === "tokenize" ? await openTokenizer("demo") : undefined;
  let firstMs;
  return {
    label: "1 thread",
    async turn() {
      const start = performance.now();
      let [characters, tokens] = [0, 0];
      firstMs = undefined;
      for await (const { text } of openTexts(file)) {
        characters += text.length;
        if (tokenizer) tokens += tokenizer.encode(text).length;
        firstMs ??= performance.now() - start;
        if (tokenizer && characters > 6e6) break;
      }
      return tokenizer ? tokens : characters;
    },
    facts: () => ({ firstMs }),
  };
}

export function check({ label }, { parse, tokenize }) {
  if (!(parse.facts.firstMs > 0 && tokenize.facts.firstMs > 0)) throw new CommandError("IO", `load, ${label}: expected texts, got none`);
}
