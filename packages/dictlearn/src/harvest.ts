import { type ActivationSource, type Harvested, type TokenRows } from "@dictlearn/activations";
import { type Text } from "@dictlearn/corpus";
import { copyRowsInto, type Tensor } from "@dictlearn/kernels";
import { packRows } from "@dictlearn/neox";
import { DictlearnError } from "./error.js";
import { type Model } from "./openModel.js";
import { tokenRows, type RowCursor, type RowKind } from "./tokenRows.js";

export interface HarvestOptions {
  /** Which activation, or which of one pass, in any spelling that neox knows. */
  site: string | readonly string[];
  /** The most tokens of a row; default 128. */
  contextLength?: number;
  /** "document" (default, as dictionary_learning): a text a row, cut at the context length, so of long texts little is used. "packed": texts end to end, every token used. */
  rows?: RowKind;
  /** The most rows of a pass; default 512. Fewer run together where they have many tokens: it changes no activation. */
  batchRows?: number;
  /** Where to go on: a cursor of an earlier harvest of the same options, with the texts opened at its `text`. */
  cursor?: RowCursor;
}

/** Activations of a model on texts: what a buffer draws from. */
export interface Harvest extends ActivationSource {
  /** Width by site, canonical names. */
  readonly widths: Readonly<Record<string, number>>;
  /** What its passes keep on the device, at the least: weights, activations on their way, and what the sites give. */
  readonly passBytes: number;
}

/** Tokens of a pass, unless one row has more: so many keep the device busy. More would be computed and not needed at the end. */
const passTokens = { cpu: 2 ** 11, webgpu: 2 ** 14 };

/**
 * Streams texts through a model and collects its activations. Nothing runs until someone asks for rows. By default a text
 * gives one row, and what is behind it is left out; `rows: "packed"` uses every token.
 * `openBuffer(harvest(model, openTexts("demo"), { site: "layers.3.mlp_out", rows: "packed" }), { batchSize: 4096, seed: 0 })`
 * @throws NeoxError USAGE for an unknown site; DictlearnError USAGE for a context beyond the model's
 */
export function harvest(model: Model, texts: AsyncIterable<Text> | Iterable<Text>, { site, contextLength = 128, rows = "document", batchRows = 512, cursor }: HarvestOptions): Harvest {
  const { device, width, neox, tokenizer } = model;
  const sites = [site].flat().map((one) => model.site(one));
  if (sites.length === 0 || new Set(sites).size < sites.length) throw new DictlearnError("USAGE", `sites: expected one or more, each once, got ${JSON.stringify(site)}`);
  if (!Number.isSafeInteger(batchRows) || batchRows < 1) throw new DictlearnError("USAGE", `harvest: expected batchRows to be a whole number >= 1, got ${batchRows}`);
  if (!Number.isSafeInteger(contextLength) || contextLength < 1 || contextLength > model.contextLength)
    throw new DictlearnError("USAGE", `harvest: expected contextLength from 1 to ${model.contextLength} (max_position_embeddings of ${model.name}), got ${contextLength}`);
  const rowsAtOnce = Math.max(1, Math.min(batchRows, Math.floor(passTokens[device.kind] / contextLength)));
  const stream = tokenRows(texts, { tokenizer, contextLength, rows, cursor });

  async function rerun({ tokens, start }: TokenRows): Promise<Record<string, Tensor>> {
    const out = Object.fromEntries(sites.map((name) => [name, device.keep(device.empty("f32", [tokens.length, width]))])); // f32[N,D]
    try {
      const packed = packRows(Array.from(start.subarray(1), (end, r) => tokens.subarray(start[r], end)));
      await neox.run(packed, { at: Object.fromEntries(sites.map((name) => [name, (x: Tensor, { firstRow }) => copyRowsInto(out[name], x, { at: start[firstRow] })])) });
      return out;
    } catch (error) {
      for (const tensor of Object.values(out)) tensor.dispose();
      throw error;
    }
  }

  return {
    device,
    widths: Object.fromEntries(sites.map((name) => [name, width])),
    passBytes: neox.bytesFor(sites, rowsAtOnce * contextLength) + 4 * rowsAtOnce * contextLength * width * sites.length,
    rerun,
    async next(): Promise<Harvested | undefined> {
      const taken: Uint32Array[] = [];
      let behind: RowCursor | undefined;
      while (taken.length < rowsAtOnce) {
        const { value, done } = await stream.next();
        if (done) break;
        taken.push(value.tokens);
        behind = value.cursor;
      }
      if (taken.length === 0) return undefined;
      const { tokens, start } = packRows(taken);
      return { rows: { tokens, start }, activations: await rerun({ tokens, start }), cursor: behind };
    },
  };
}
