import { AssertionError } from "node:assert";

/**
 * Asserts that |actual - expected| <= absolute + relative * |expected| at every index; NaN equals NaN and an infinity
 * itself. Says how many are out, and the worst.
 */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { absolute = 0, relative = 0 }: { absolute?: number; relative?: number },
): void {
  if (actual.length !== expected.length) fail(`expected ${expected.length} values, got ${actual.length}`);
  let out = 0;
  let worst = 0;
  let at = -1;
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(actual[i], expected[i]) || actual[i] === expected[i]) continue;
    const excess = Math.abs(actual[i] - expected[i]) / (absolute + relative * Math.abs(expected[i]));
    if (excess <= 1) continue;
    out++;
    const by = Number.isNaN(excess) ? Infinity : excess; // a NaN that was not expected is the worst there is
    if (by <= worst) continue;
    worst = by;
    at = i;
  }
  if (out)
    fail(
      `expected values within ${absolute} + ${relative}·|expected|, got ${out} of ${expected.length} outside; ` +
        `worst at ${at}: expected ${expected[at]}, got ${actual[at]}`,
    );
}

function fail(message: string): never {
  throw new AssertionError({ message, stackStartFn: expectClose });
}
