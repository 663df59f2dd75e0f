import { resolve } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { resolvePath } from "./resolvePath.js";

afterEach(() => void vi.unstubAllEnvs());

test("a path is relative to where the person stands", () => {
  vi.stubEnv("INIT_CWD", resolve("/home/ada"));
  expect(resolvePath("a.csv")).toBe(resolve("/home/ada/a.csv"));
  expect(resolvePath(resolve("/b.csv"))).toBe(resolve("/b.csv"));
  vi.stubEnv("INIT_CWD", undefined);
  expect(resolvePath("a.csv")).toBe(resolve(process.cwd(), "a.csv"));
});
