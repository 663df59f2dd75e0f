import { embedding, mul, scatterRowsInto, sumRows, type Rng, type Tensor } from "@dictlearn/kernels";
import { type Adam } from "./adam.js";

/** What belongs to a feature: its encoder row, its bias, its decoder row. */
type Own = "encoder" | "encoderBias" | "decoder";

/**
 * `n` different rows, in the order of their draw; each draw takes a row with a chance in proportion to its weight among
 * those left. Rows without weight are never drawn, so there may be fewer.
 * An exponential race: row i arrives at -ln(1 - u) / weight.
 * @see Efraimidis & Spirakis 2006, "Weighted random sampling with a reservoir"
 */
export function drawRows(weights: ArrayLike<number>, n: number, rng: Pick<Rng, "uniform">): number[] {
  const arrival = Array.from(rng.uniform(weights.length), (u, row) => -Math.log1p(-u) / weights[row]);
  const candidates = [...arrival.keys()].filter((row) => weights[row] > 0);
  return candidates.sort((a, b) => arrival[a] - arrival[b] || a - b).slice(0, n);
}

/** The features that were silent for more batches in a row than half of `resampleSteps`. Waits for the device. @param stepsSinceActive u32[F] */
export async function deadFeatures(stepsSinceActive: Tensor, resampleSteps: number): Promise<number[]> {
  const silent = await stepsSinceActive.read();
  return [...silent.keys()].filter((feature) => silent[feature] > resampleSteps / 2);
}

/**
 * Points dead features at rows of x that are reconstructed badly: decoder row x/|x|, encoder row x times a fifth of the
 * mean norm of living encoder rows, bias 0, Adam's moments forgotten. The first of `dead` get the rows in the order of their
 * draw; where rows are fewer than dead features the rest stay as they are. Waits for the device.
 * @param dead features, ascending
 * @param errors f32[B]: |x - x̂| of each row
 * @param x f32[B,D]
 * @see Bricken et al. 2023, "Towards Monosemanticity", which weighs rows by the square; dictionary_learning does not
 */
export async function resampleDead(dead: readonly number[], errors: Tensor, x: Tensor, parameters: Readonly<Record<Own, Tensor>>, adam: Adam<Own>, rng: Pick<Rng, "uniform">): Promise<{ features: number[]; rows: number[] }> {
  const { device } = x;
  const squares = (rows: Tensor) => sumRows(mul(rows, rows));
  const [weights, lengths, encoderLengths] = await Promise.all([errors, squares(x), squares(parameters.encoder)].map((tensor) => tensor.read()));
  const rows = drawRows(Array.from(weights, (weight, row) => (lengths[row] > 0 ? weight : 0)), dead.length, rng);
  const features = dead.slice(0, rows.length);
  if (rows.length === 0) return { features, rows };

  const isDead = new Set(dead.length < encoderLengths.length ? dead : []); // where none lives, the norms of all
  const living = Array.from(encoderLengths, Math.sqrt).filter((_, feature) => !isDead.has(feature));
  const length = (0.2 * living.reduce((sum, norm) => sum + norm, 0)) / living.length;
  const vectors = embedding(x, device.tensor(Uint32Array.from(rows), [rows.length])); // [n,D]
  const factors = (of: (row: number) => number) => device.tensor(Float32Array.from(rows, of), [rows.length, 1]);
  scatter(parameters.encoder, mul(vectors, factors(() => length)), features);
  scatter(parameters.decoder, mul(vectors, factors((row) => 1 / Math.sqrt(lengths[row]))), features);
  scatter(parameters.encoderBias, device.zeros([rows.length]), features);
  forget(features, adam);
  return { features, rows };
}

/** Sets Adam's moments of what belongs to these features to zero. */
export function forget(features: readonly number[], { m, v }: Adam<Own>): void {
  for (const moments of [m, v]) for (const tensor of [moments.encoder, moments.encoderBias, moments.decoder]) scatter(tensor, tensor.device.zeros([features.length, ...tensor.shape.slice(1)]), features);
}

/** target[features[i]] = rows[i] */
function scatter(target: Tensor, rows: Tensor, features: readonly number[]): void {
  const pairs = target.device.tensor(Uint32Array.from(features.flatMap((feature, i) => [i, feature])), [features.length, 2]);
  const matrix = (tensor: Tensor) => (tensor.shape.length === 2 ? tensor : tensor.reshape([tensor.size, 1]));
  scatterRowsInto(matrix(target), matrix(rows), pairs);
}
