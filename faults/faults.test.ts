import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

// A few cases of every part, always the same ones. `pnpm test:faults` runs many, other ones each time.

interface Part {
  name: string;
  few: number;
}
interface Result {
  done: number;
  counts: Record<string, number>;
  failures: { number: number; error: unknown }[];
}
const load = <T>(path: string): Promise<T> => import(new URL(path, import.meta.url).href) as Promise<T>;
const { parts } = await load<{ parts: Part[] }>("./parts.js");
const { runPart } = await load<{ runPart(part: Part, options: { seed: number; numbers: number[] }): Promise<Result> }>("./harness/runPart.js");

describe("what docs/reliability.md promises holds in a few cases", () => {
  test.each(parts)("$name", async (part) => {
    const { done, counts, failures } = await runPart(part, { seed: 1, numbers: Array.from({ length: part.few }, (_, n) => n) });
    expect(failures).toEqual([]);
    expect(done).toBe(part.few);
    expect(Object.values(counts).some((n) => n > 0)).toBe(true); // something was tried
  });

  test("the page shows the figures that were kept", async () => {
    const { pageWith } = await load<{ pageWith(text: string, all: unknown): string }>("./report.js");
    const page = readFileSync(new URL("../docs/reliability.md", import.meta.url), "utf8");
    expect(pageWith(page, JSON.parse(readFileSync(new URL("results/faults.json", import.meta.url), "utf8")))).toBe(page);
  });
});

test("a broken promise is found, named, and repeated by its seed and number", async () => {
  const drawn: number[] = [];
  const part = { name: "broken", few: 3, open: async () => ({ cases: 3, one: async (n: number, random: { below(n: number): number }) => (drawn.push(random.below(1e9)), n === 1 ? Promise.reject(new Error("broke")) : { "cases survived": 1 }) }) };
  const { failures, counts } = await runPart(part, { seed: 7, numbers: [0, 1, 2] });
  expect(failures).toEqual([{ number: 1, error: new Error("broke") }]);
  expect(counts).toEqual({ "cases survived": 2 });
  await runPart(part, { seed: 7, numbers: [1] });
  expect(drawn[3]).toBe(drawn[1]);
  expect(new Set(drawn).size).toBe(3);
});
