import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { shownPath } from "./shownPath.js";

test("a path is shown from where a person stands, and as it is where it leads out of there", () => {
  expect(shownPath(join(process.cwd(), "out", "a"))).toBe(join("out", "a"));
  expect(shownPath(process.cwd())).toBe(".");
  const above = resolve("..", "other");
  expect(shownPath(above)).toBe(above);
});
