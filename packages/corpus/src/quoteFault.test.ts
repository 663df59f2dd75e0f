import { expect, test } from "vitest";
import { findQuoteFault } from "./quoteFault.js";

test.each(["", "a,b", '"a","b"', '"a ""b"" c",d\r\n', '"",""', '""""', 'She said "go",b', '"two\nlines, one cell",x\r', ",,"])("%j is well quoted", (row) => {
  expect(findQuoteFault(row)).toBeUndefined();
});

test.each([
  ['"abc', 0, "open"],
  ['a,"b', 2, "open"],
  ['a,"b""', 2, "open"],
  ['"abc"def,g', 0, "text after"],
  ['x,"" y', 2, "text after"],
  ['"a" ,"b', 0, "text after"],
])("%j: the cell at %i is %s", (row, opensAt, kind) => {
  expect(findQuoteFault(row)).toEqual({ opensAt, kind });
});
