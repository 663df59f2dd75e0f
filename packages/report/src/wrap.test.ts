import { expect, test } from "vitest";
import { terminalColumns } from "./displayWidth.js";
import { wrap } from "./wrap.js";

test.each([
  ["the river ran on and stopped", 10, "the river\nran on and\nstopped"],
  ["short", 10, "short"],
  ["", 10, ""],
  ["ends with spaces   ", 9, "ends with\nspaces"],
  ["two   spaces  stay", 14, "two   spaces\nstay"],
  ["one\r\ntwo\n\nthree", 10, "one\ntwo\n\nthree"],
  ["abcdefghijklmno pq", 6, "abcdef\nghijkl\nmno pq"],
  ["日本語の文", 4, "日本\n語の\n文"],
  ["👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 5, "👩‍👩‍👧👩‍👩‍👧\n👩‍👩‍👧"],
  ["tab\there", 20, "tab here"],
])("%j in %i columns", (text, width, wrapped) => {
  expect(wrap(text, width, terminalColumns)).toBe(wrapped);
});
