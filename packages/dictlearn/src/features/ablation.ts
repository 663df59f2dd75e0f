import { copyRowsInto, embedding, linear, sub, SparseFeatures, type Tensor } from "@dictlearn/kernels";
import { packRows, type HooksBySite } from "@dictlearn/neox";
import { type Ablation, type ProbabilityChange } from "@dictlearn/report";
import { type Dictionary } from "@dictlearn/sae";
import { passFeatures } from "../encodePieces.js";
import { type Model } from "../openModel.js";

/** A feature and the place behind which the prediction is looked at. */
export interface AblationCase {
  feature: number;
  /** Which of `rows`. */
  row: number;
  position: number;
}

/** Changes of a case that are kept, on each side. */
export const changesKept = 5;

/**
 * What the model predicts behind a token once a feature is taken out: at every token of the row up to there, what the
 * feature adds to the reconstruction is taken from the site's activation, which keeps what the dictionary does not explain.
 * Tokens are ranked by how much their probability changes: ratios would rank what is next to impossible before and after.
 * @param rows u32[n] each, whole rows of the corpus
 * @see Bricken et al. 2023, "Towards Monosemanticity", where a feature is set to zero on the whole context
 */
export async function ablate(model: Model, dictionary: Dictionary, { site, rows, cases }: { site: string; rows: readonly Uint32Array[]; cases: readonly AblationCase[] }): Promise<Ablation[]> {
  const { device, neox } = model;
  const unembedding = await neox.weight("embed_out.weight"); // f32[V,D]
  const V = unembedding.shape[0];

  const ends = rows.map((_, r) => Math.max(...cases.map(({ row, position }) => (row === r ? position + 1 : 0)))); // what is behind changes nothing before
  const whole = packRows(rows.map((row, r) => row.subarray(0, ends[r])));
  const clean = new Float32Array(whole.tokens.length * model.width); // f32[N,D]
  const parts: Promise<void>[] = [];
  const before = await finalRows(model, whole, cases.map(({ row, position }) => whole.start[row] + position), site, (x, firstToken) => {
    parts.push(x.read().then((data) => clean.set(data as Float32Array, firstToken * model.width)));
  });
  await Promise.all(parts);
  const active = await activationsOf(dictionary, { clean, start: whole.start, cases });

  const cut = packRows(cases.map(({ row, position }) => rows[row].subarray(0, position + 1)));
  const after = await finalRows(model, cut, Array.from(cut.start.subarray(1), (end) => end - 1), site, (x, firstToken) => {
    const N = x.shape[0];
    const features = entriesOf(dictionary, cases, active, cut.start, firstToken, N);
    const nothing = new SparseFeatures([N, dictionary.F], device.zeros([N + 1], "u32"), features.index, features.values);
    return sub(x, sub(dictionary.decode(features, x), dictionary.decode(nothing, x)));
  });

  const logits = (x: Tensor) => device.scope(() => linear(x, unembedding).read() as Promise<Float32Array>); // f32[C,V]
  const [original, changed] = [await logits(before), await logits(after)];
  before.dispose();
  after.dispose();
  return cases.map(({ row, position }, c) => {
    const [p, q] = [original, changed].map((all) => logProbabilities(all.subarray(c * V, (c + 1) * V)));
    const next: number | undefined = rows[row][position + 1];
    return { ...(next !== undefined && { lossChange: p[next] - q[next] }), ...largestChanges(p, q) };
  });
}

/** The final norm's output at some tokens, f32[n,D], which the caller disposes. @param atSite what stands for the site's activation, of tokens from `firstToken` on */
async function finalRows(model: Model, rows: ReturnType<typeof packRows>, tokens: readonly number[], site: string, atSite: (x: Tensor, firstToken: number) => Tensor | void): Promise<Tensor> {
  const { device, neox, width } = model;
  const out = device.keep(device.empty("f32", [tokens.length, width]));
  let taken = 0;
  const take = (x: Tensor, firstToken: number) => {
    const inside = tokens.filter((token) => token >= firstToken && token < firstToken + x.shape[0]); // ascending by parts, since cases are by rows
    if (inside.length === 0) return;
    copyRowsInto(out, embedding(x, device.tensor(Uint32Array.from(inside, (token) => token - firstToken), [inside.length])), { at: taken });
    taken += inside.length;
  };
  const at: HooksBySite =
    site === "final_norm"
      ? {
          final_norm(x, { firstRow }) {
            const y = atSite(x, rows.start[firstRow]) ?? x;
            take(y, rows.start[firstRow]);
          },
        }
      : { [site]: (x, { firstRow }) => atSite(x, rows.start[firstRow]), final_norm: (x, { firstRow }) => take(x, rows.start[firstRow]) };
  try {
    await neox.run(rows, { at });
    return out;
  } catch (error) {
    out.dispose();
    throw error;
  }
}

/** By case, the feature's activation on each token of its row up to the position, f32[position + 1]. */
async function activationsOf(dictionary: Dictionary, { clean, start, cases }: { clean: Float32Array; start: Uint32Array; cases: readonly AblationCase[] }): Promise<Float32Array[]> {
  const { device, D, F } = dictionary;
  const active = cases.map(({ position }) => new Float32Array(position + 1));
  const N = clean.length / D;
  const step = Math.max(1, Math.floor(passFeatures / F));
  for (let first = 0; first < N; first += step) {
    const n = Math.min(step, N - first);
    const { rowStart, index, values } = await device.scope(() => dictionary.encode(device.tensor(clean.subarray(first * D, (first + n) * D), [n, D])).read());
    cases.forEach(({ feature, row, position }, c) => {
      const from = Math.max(first, start[row]);
      const end = Math.min(first + n, start[row] + position + 1);
      for (let t = from; t < end; t++) {
        const at = find(index, feature, rowStart[t - first], rowStart[t - first + 1]);
        if (at >= 0) active[c][t - start[row]] = values[at];
      }
    });
  }
  return active;
}

/** Where a number stands in an ascending piece of a list, -1 where it does not. */
function find(list: Uint32Array, wanted: number, from: number, end: number): number {
  let [low, high] = [from, end];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] < wanted) low = middle + 1;
    else high = middle;
  }
  return low < end && list[low] === wanted ? low : -1;
}

/** Each case's own feature on its tokens, of N tokens from `firstToken` on: [N,F]. */
function entriesOf({ device, F }: Dictionary, cases: readonly AblationCase[], active: readonly Float32Array[], start: Uint32Array, firstToken: number, N: number): SparseFeatures {
  const rowStart = new Uint32Array(N + 1);
  const [index, values]: [number[], number[]] = [[], []];
  let token = 0;
  cases.forEach(({ feature }, c) => {
    active[c].forEach((value, t) => {
      const at = start[c] + t - firstToken;
      if (at < 0 || at >= N) return;
      if (value !== 0) [index[index.length], values[values.length]] = [feature, value];
      rowStart[++token] = index.length;
    });
  });
  const n = Math.max(1, index.length);
  const filled = <A extends Uint32Array | Float32Array>(array: A, list: number[]): A => (array.set(list), array);
  return new SparseFeatures([N, F], device.tensor(rowStart, [N + 1]), device.tensor(filled(new Uint32Array(n), index), [n]), device.tensor(filled(new Float32Array(n), values), [n]));
}

/** log softmax, in f64. */
function logProbabilities(logits: Float32Array): Float64Array {
  let top = -Infinity;
  for (const x of logits) top = Math.max(top, x);
  let sum = 0;
  for (const x of logits) sum += Math.exp(x - top);
  const whole = top + Math.log(sum);
  return Float64Array.from(logits, (x) => x - whole);
}

/** @param p, q log-probabilities before and after, [V] */
function largestChanges(p: Float64Array, q: Float64Array): Pick<Ablation, "falls" | "rises"> {
  const [before, after] = [p.map(Math.exp), q.map(Math.exp)];
  const side = (sign: 1 | -1): ProbabilityChange[] => {
    const kept: { token: number; by: number }[] = []; // largest first
    for (let token = 0; token < p.length; token++) {
      const by = sign * (after[token] - before[token]);
      if (!(by > 0) || (kept.length === changesKept && by <= kept[changesKept - 1].by)) continue;
      if (kept.length === changesKept) kept.pop();
      const place = kept.findIndex((one) => one.by < by);
      kept.splice(place < 0 ? kept.length : place, 0, { token, by });
    }
    return kept.map(({ token }) => ({ token, before: before[token], after: after[token] }));
  };
  return { falls: side(-1), rises: side(1) };
}
