import { add, attention, copyRowsInto, crossEntropy, embedding, gelu, layerNorm, linear, rotary, segmentMean, sliceRows, splitQkv, type Device, type Tensor } from "@dictlearn/kernels";
import type { NeoxConfig } from "./config.js";
import { distinct } from "./embeddings.js";
import { Hooks, passEnded, type HooksBySite, type MeanHooksBySite } from "./hooks.js";
import { NeoxError } from "./error.js";
import type { KvCache } from "./kvCache.js";
import { checkRows, lastTokens, nextTokenPairs, partsOf, spansOf, type PackedRows } from "./rows.js";
import { Weights, type WeightReader } from "./weights.js";

// N tokens of all rows, D width, H heads, M width of the MLP, V vocabulary, L layers.

interface Pass {
  device: Device;
  config: NeoxConfig;
  weights: Weights;
  rows: PackedRows;
  cache?: KvCache;
  /** Shows an activation to the site's hook and gives what the pass goes on with. */
  at(site: string, x: Tensor): Tensor;
  /** Shows the means of a site's rows to their hook, if it has one. */
  means(site: string, make: () => Tensor): void;
  /** The pass ends inside this layer's MLP and nobody looks at its attention. */
  endsInMlpOf?: number;
  /** Nobody looks at what depends on a token's id alone: it may be computed once for all tokens of an id. */
  beyondIds: boolean;
}

/** Rows of distinct tokens → rows of all. */
type Spread = (rows: Tensor) => Tensor;
const asItIs: Spread = (rows) => rows;

/**
 * GPT-NeoX from tokens to the final norm, f32[N,D]; the head is a matrix behind it.
 * @see Black et al. 2022, "GPT-NeoX-20B: An Open-Source Autoregressive Language Model", §2.1
 */
function forward({ device, config, weights, rows, cache, at: show, means, endsInMlpOf, beyondIds }: Pass): Tensor {
  const { layers, heads, epsilon, parallelResidual } = config;
  const N = rows.tokens.length;
  const positions = device.tensor(rows.positions, [N]); //                              u32[N]
  const spans = device.tensor(cache ? cache.spans(N) : spansOf(rows), [N, 2]); //       u32[N,2]

  const norm = (x: Tensor, name: string) => layerNorm(x, weights.get(`${name}.weight`), weights.get(`${name}.bias`), { epsilon });
  const dense = (x: Tensor, name: string) => linear(x, weights.get(`${name}.weight`), weights.find(`${name}.bias`));
  const rotate = (x: Tensor) => rotary(x, positions, { heads, ...config.rotary });

  const meanOf = (x: Tensor) => segmentMean(x, device.tensor(rows.start, [rows.start.length])); // f32[N,·] → f32[R,·]
  const at = (site: string, x: Tensor): Tensor => {
    means(site, () => meanOf(x));
    return show(site, x);
  };
  /** What a dense layer gives of x, which is spread first or last; its means come from the means of x. */
  const out = (site: string, x: Tensor, name: string, spread: Spread = asItIs): Tensor => {
    means(site, () => dense(meanOf(spread(x)), name));
    return show(site, spread(dense(x, name)));
  };

  const attend = (h: Tensor, l: number, spread: Spread): Tensor => {
    const { q, k, v } = splitQkv(spread(dense(h, `layers.${l}.attention.query_key_value`)), { heads }); // f32[N,D] each
    const [keys, values] = cache ? cache.append(l, rotate(k), v) : [rotate(k), v]; //   f32[N,D], with a cache f32[capacity,D]
    return attention(rotate(q), keys, values, spans, { heads }); //                     f32[N,D]
  };

  const feed = (x: Tensor, l: number, spread: Spread = asItIs): Tensor => {
    const h = at(`layers.${l}.mlp_in`, norm(x, `layers.${l}.post_attention_layernorm`)); // f32[N,D]
    return device.scope(() => {
      const wide = dense(h, `layers.${l}.mlp.dense_h_to_4h`); //                        f32[N,M]
      const up = gelu(wide); //                                                         f32[N,M]
      wide.dispose(); // a pass has no more in memory than here
      return out(`layers.${l}.mlp_out`, up, `layers.${l}.mlp.dense_4h_to_h`, spread); // f32[N,D]
    });
  };

  const block = (input: Tensor, l: number, spread: Spread = asItIs): Tensor => {
    const layer = `layers.${l}`;
    const x = at(`${layer}.resid_pre`, input); //                                       f32[N,D]
    if (parallelResidual && l === endsInMlpOf) return feed(x, l, spread); // a parallel MLP does not see the attention beside it
    const h = at(`${layer}.attn_in`, norm(x, `${layer}.input_layernorm`)); //           f32[N,D]
    const z = at(`${layer}.attn_z`, device.scope(() => attend(h, l, spread))); //       f32[N,D], heads side by side
    const a = out(`${layer}.attn_out`, z, `${layer}.attention.dense`); //               f32[N,D]
    const xa = add(spread(x), a); //                                                    f32[N,D]
    const m = parallelResidual ? feed(x, l, spread) : feed(xa, l); //                   f32[N,D]
    return at(`${layer}.resid_post`, add(xa, m)); //                                    f32[N,D]
  };

  // On cpu rows of equal tokens are computed once, and spread when others come in. U distinct tokens.
  const once = beyondIds && device.kind === "cpu" && layers > 0 ? distinct(rows.tokens) : undefined;
  const place = once && once.ids.length < N ? device.tensor(once.place, [N]) : undefined; //  u32[N]
  let x = at("embed", weights.embed(place ? once!.ids : rows.tokens)); //               f32[N,D], or f32[U,D]
  for (let l = 0; l < layers; l++) {
    const spread: Spread = place && l === 0 ? (y) => embedding(y, place) : asItIs; //   f32[U,·] → f32[N,·]
    const next = device.scope(() => block(x, l, spread)); //                            f32[N,D]
    x.dispose();
    x = next;
  }
  return at("final_norm", norm(x, "final_layer_norm")); //                              f32[N,D]
}

export interface RunOptions {
  /** Hooks by site; sites are called in the order of the pass. */
  at?: HooksBySite;
  /** Hooks that see the means of each row. */
  means?: MeanHooksBySite;
  /** The logits of every token, f32[N,V], or of the last real token of each row, f32[R,V]. Without, the pass ends after the last hook. */
  logits?: boolean | "last";
  /** What one row has computed before; `rows` are its next tokens. */
  cache?: KvCache;
}

export interface NeoxOptions {
  device: Device;
  config: NeoxConfig;
  weights: WeightReader;
  /** The most bytes of one activation, f32[N,max(4D,M)]: batches past it run in parts of whole rows, the head on some tokens at a time. Default 64 MiB. */
  activationBytes?: number;
}

/** A GPT-NeoX model on a device. Weights are read the first time a pass needs them. */
export class Neox {
  readonly device: Device;
  readonly config: NeoxConfig;
  readonly #weights: Weights;
  readonly #tokensAtOnce: number;
  readonly #logitsAtOnce: number;

  constructor({ device, config, weights, activationBytes = 64 * 2 ** 20 }: NeoxOptions) {
    this.device = device;
    this.config = config;
    this.#weights = new Weights(device, config, weights);
    this.#tokensAtOnce = Math.floor(activationBytes / (4 * Math.max(4 * config.width, config.mlpWidth)));
    this.#logitsAtOnce = Math.max(1, Math.floor(activationBytes / (4 * config.vocabulary)));
  }

  /** Reads the weights of a pass up to a site (canonical, or "logits") ahead of it. */
  load(site: string): Promise<void> {
    return this.#weights.load(site);
  }

  /**
   * A weight of the whole model, by its name in a checkpoint without `gpt_neox.`: `embed_out.weight`. It stays the model's.
   * @throws NeoxError USAGE for a name that the model has no weight of
   */
  async weight(name: string): Promise<Tensor> {
    await this.load("logits");
    const weight = this.#weights.find(name);
    if (!weight) throw new NeoxError("USAGE", `weight: expected the name of one, such as embed_out.weight, got ${JSON.stringify(name)}`);
    return weight;
  }

  /** Device memory, at the least, of passes of N tokens that end at the last of the sites: the weights, and an MLP's two wide activations beside the residual stream's. */
  bytesFor(sites: readonly string[], N: number): number {
    const { width: D, mlpWidth: M } = this.config;
    return this.#weights.bytesFor(sites) + 4 * Math.min(N, this.#tokensAtOnce) * (2 * M + 2 * D);
  }

  /**
   * Runs rows through the model, calling hooks. A big batch runs in parts of whole rows, each with calls of its own.
   * @throws NeoxError USAGE or SHAPE for rows, sites or replacements that don't fit the model; FORMAT for broken weights
   */
  async run(rows: PackedRows, { at = {}, means = {}, logits = false, cache }: RunOptions = {}): Promise<{ logits?: Tensor }> {
    checkRows(rows, this.config);
    cache?.check(rows, logits);
    const hooks = new Hooks(at, this.config.layers, means);
    const end = logits ? "logits" : hooks.last;
    if (end === undefined) return {};
    await this.#weights.load(end, rows.tokens);
    if (!logits) {
      this.#pass(rows, hooks);
      return {};
    }
    const result = this.device.scope(() => {
      const count = logits === "last" ? lastTokens(rows).length : rows.tokens.length;
      const all = this.device.empty("f32", [count, this.config.vocabulary]); // f32[N or R,V]
      let filled = 0;
      this.#pass(rows, hooks, cache, (x, part) => {
        const wanted = logits === "last" ? this.#gather(x, lastTokens(part)) : x;
        this.#head(wanted, (y) => {
          copyRowsInto(all, y, { at: filled });
          filled += y.shape[0];
        });
      });
      return all;
    });
    cache?.advance(rows.tokens.length);
    return { logits: result };
  }

  /**
   * Mean cross-entropy, in nats, of each token given those before it in its row; padding is left out.
   * @returns the mean, NaN when no row has two tokens, and how many tokens it is over
   */
  async loss(rows: PackedRows, { at = {} }: { at?: HooksBySite } = {}): Promise<{ loss: number; targets: number }> {
    checkRows(rows, this.config);
    const hooks = new Hooks(at, this.config.layers);
    await this.#weights.load("logits", rows.tokens);
    const losses = this.#pass(rows, hooks, undefined, (x, part) => {
      const { from, targets } = nextTokenPairs(part);
      if (from.length === 0) return [];
      return this.#head(this.#gather(x, from), (y, at) => crossEntropy(y, this.device.tensor(targets.slice(at, at + y.shape[0]), [y.shape[0]])));
    }).flat();
    const each = await Promise.all(losses.map((nats) => nats.read())).finally(() => losses.forEach((nats) => nats.dispose()));
    let [total, targets] = [0, 0];
    for (const nats of each) for (const x of nats) [total, targets] = [total + x, targets + 1];
    return { loss: total / targets, targets };
  }

  /** Frees the weights; a later run would read them again. */
  dispose(): void {
    this.#weights.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The forward pass, part by part, freeing what each made; `finish` gets the final norm. Without it the pass ends after the last hook. */
  #pass<R>(rows: PackedRows, hooks: Hooks, cache?: KvCache, finish?: (x: Tensor, rows: PackedRows) => R): R[] {
    const { device, config } = this;
    const results: R[] = [];
    for (const part of partsOf(rows, this.#tokensAtOnce)) {
      const means = (site: string, make: () => Tensor): void => {
        hooks.callMeans(site, make, part.rows, part.firstRow);
        if (!finish && site === hooks.last && hooks.endsInMeans) throw passEnded;
      };
      const at = (site: string, x: Tensor): Tensor => {
        const y = hooks.call(site, x, part.rows, part.firstRow);
        if (!finish && site === hooks.last) throw passEnded;
        return y;
      };
      try {
        results.push(device.scope(() => finish!(forward({ device, config, weights: this.#weights, rows: part.rows, cache, at, means, endsInMlpOf: finish ? undefined : hooks.endsInMlpOf, beyondIds: hooks.beyondIds }), part.rows)));
      } catch (error) {
        if (error !== passEnded) throw error;
      }
    }
    return results;
  }

  /** Logits f32[n,V] of some tokens at a time: `each` gets them and the first token's index. */
  #head<R>(x: Tensor, each: (logits: Tensor, at: number) => R): R[] {
    const N = x.shape[0];
    const step = this.#logitsAtOnce;
    const results: R[] = [];
    for (let start = 0; start < N; start += step)
      results.push(
        this.device.scope(() => {
          const part = N > step ? sliceRows(x, { start, end: Math.min(N, start + step) }) : x; // f32[n,D]
          return each(linear(part, this.#weights.get("embed_out.weight")), start); //             f32[n,V]
        }),
      );
    return results;
  }

  #gather(x: Tensor, rows: Uint32Array): Tensor {
    return embedding(x, this.device.tensor(rows, [rows.length])); // f32[n,D]
  }
}

/** Opens a model whose weights are read as passes need them. */
export const openNeox = (options: NeoxOptions): Neox => new Neox(options);
