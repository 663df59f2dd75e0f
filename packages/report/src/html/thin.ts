/** A line of `metrics.jsonl`: JSON has no NaN, so a number that is not finite is null. */
export type MetricsLine = Readonly<Record<string, number | null>>;

/** Some neighbouring lines as one point of a plot. */
export interface Point {
  /** Mean of their x. */
  x: number;
  /** Mean, least and largest of their finite y; null where there are none, so that the line has a gap. */
  y: number | null;
  low: number | null;
  high: number | null;
}

/** A line of at most `most` points: of n lines, each point stands for n / most or fewer neighbours. */
export function thin(lines: readonly MetricsLine[], { x, y, most }: { x: string; y: string; most: number }): Point[] {
  const size = Math.max(1, Math.ceil(lines.length / most));
  const points: Point[] = [];
  for (let start = 0; start < lines.length; start += size) {
    const bucket = lines.slice(start, start + size);
    const xs = finite(bucket, x);
    const ys = finite(bucket, y);
    if (xs.length === 0) continue;
    points.push({ x: mean(xs), y: ys.length ? mean(ys) : null, low: ys.length ? Math.min(...ys) : null, high: ys.length ? Math.max(...ys) : null });
  }
  return points;
}

/** The finite numbers of a column. */
export function finite(lines: readonly MetricsLine[], name: string): number[] {
  const numbers: number[] = [];
  for (const { [name]: value } of lines) if (Number.isFinite(value)) numbers.push(value!);
  return numbers;
}

const mean = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
