import { expect, test } from "vitest";
import { z } from "zod";
import { check } from "./check.js";

const schema = z
  .strictObject({ k: z.int().min(1), features: z.int().default(512), name: z.string().regex(/^[a-z]+$/).optional() })
  .refine(({ k, features }) => k <= features, { path: ["k"], error: "expected at most as many as features" });

test("values of a file are told as flags are, under their own names", () => {
  expect(check(schema, { k: 3 })).toEqual({ k: 3, features: 512 });
  expect(() => check(schema, { k: "3" }, { subject: (key) => `run.json: ${key}` })).toThrow(
    'run.json: k: expected a whole number >= 1, got "3"',
  );
});

test.each([
  [{ k: 1, kk: 2 }, "kk: expected one of k, features, name"],
  [{ k: 1000 }, "k: expected at most as many as features"],
  [{ k: 1, name: "A" }, 'name: expected text as /^[a-z]+$/, got "A"'],
])("%j is told in one line", (values, message) => {
  expect(() => check(schema, values)).toThrow(message);
});

test("an object that can't become a text is a mistake like others", () => {
  const schema = z.object({ name: z.string().min(1) });
  expect(() => check(schema, { name: { length: { toString: 1 } } })).toThrow(expect.objectContaining({ code: "USAGE" }));
});
