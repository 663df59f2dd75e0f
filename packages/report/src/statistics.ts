/** Mean, population variance and the plain maximum (not of absolute values) of a vector; null where there is no vector. */
export interface Statistics {
  mean: number | null;
  /** mean of the squared distances from the mean: divided by the length, as numpy.var does */
  variance: number | null;
  maxWeight: number | null;
  /** index of the maximum, the first of equals */
  maxPosition: number | null;
}

export interface SparseStatistics extends Statistics {
  /** how many entries are not 0 */
  l0: number | null;
}

/** Some features of a row of F, the others being 0. */
export interface SparseRow {
  /** u32[K], ascending */
  index: ArrayLike<number>;
  /** f32[K] */
  values: ArrayLike<number>;
}

const nothing = { mean: null, variance: null, maxWeight: null, maxPosition: null } satisfies Statistics;

/** The features of a text without tokens. */
export const emptySparseStatistics: Readonly<SparseStatistics> = { ...nothing, l0: null };

/**
 * @param values f32[D], any length; summed in float64
 * @returns all null where there are no values
 */
export function statistics(values: ArrayLike<number>): Statistics {
  if (values.length === 0) return { ...nothing };
  let maxPosition = 0;
  for (let i = 1; i < values.length; i++) if (values[i] > values[maxPosition]) maxPosition = i;
  const mean = sum(values, (value) => value) / values.length;
  const variance = sum(values, (value) => (value - mean) ** 2) / values.length;
  return { mean, variance, maxWeight: values[maxPosition], maxPosition };
}

/**
 * The statistics of the F numbers that a sparse row stands for, in time that grows with K only.
 * @param row features [K], K in 0..F
 * @param F how many features the dictionary has
 */
export function sparseStatistics({ index, values }: SparseRow, F: number): SparseStatistics {
  if (F === 0) return { ...emptySparseStatistics };
  const absent = F - index.length;
  const mean = sum(values, (value) => value) / F;
  const variance = (sum(values, (value) => (value - mean) ** 2) + absent * mean ** 2) / F;
  const given = statistics(values);
  let maxWeight = given.maxWeight ?? 0;
  let maxPosition = index[given.maxPosition ?? 0] ?? 0;
  if (absent > 0 && maxWeight <= 0) {
    const firstAbsent = firstGap(index);
    maxPosition = maxWeight === 0 && index.length > 0 ? Math.min(maxPosition, firstAbsent) : firstAbsent;
    maxWeight = 0;
  }
  return { mean, variance, maxWeight, maxPosition, l0: sum(values, (value) => Number(value !== 0)) };
}

function sum(values: ArrayLike<number>, term: (value: number) => number): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += term(values[i]);
  return total;
}

/** The smallest number that is not in an ascending list. */
function firstGap(index: ArrayLike<number>): number {
  let gap = 0;
  while (index[gap] === gap) gap++;
  return gap;
}
