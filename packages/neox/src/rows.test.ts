import { expect, test } from "vitest";
import { oracleModel } from "../test/oracleModel.js";
import { packRows, type PackedRows } from "./index.js";
import { checkRows, nextTokenPairs, partsOf, spansOf } from "./rows.js";

const { config } = await oracleModel("a-parallel-f32"); // 300 ids, 64 positions
const u32 = (...values: number[]) => Uint32Array.from(values);

test("packRows puts rows end to end", () => {
  expect(packRows([[7, 8, 9], [], [5]])).toEqual({ tokens: u32(7, 8, 9, 5), start: u32(0, 3, 3, 4), positions: u32(0, 1, 2, 0) });
  expect(packRows([[7, 8], [5]], { firstPosition: [10, 0], attended: [1, 1] })).toEqual({ tokens: u32(7, 8, 5), start: u32(0, 2, 3), positions: u32(10, 11, 0), attended: u32(1, 1) });
});

test("a token sees its row up to itself, and never padding", () => {
  expect([...spansOf(packRows([[1, 2], [3, 4, 5]]))]).toEqual([0, 1, 0, 2, 2, 3, 2, 4, 2, 5]);
  expect([...spansOf(packRows([[1, 2], [3, 4, 5]], { attended: [2, 1] }))]).toEqual([0, 1, 0, 2, 2, 3, 2, 3, 2, 3]);
});

test("pairs of successive tokens stay inside rows and out of padding", () => {
  expect(nextTokenPairs(packRows([[1, 2], [3], [4, 5, 6, 0]], { attended: [2, 1, 3] }))).toEqual({ from: u32(0, 3, 4), targets: u32(2, 5, 6) });
});

test("parts hold whole rows, as many as fit", () => {
  const rows = packRows([[1, 2], [3], [], [4, 5, 6, 7], [8]], { attended: [2, 1, 0, 3, 1] });
  const parts = [...partsOf(rows, 3)];
  expect(parts.map(({ firstRow, rows }) => [firstRow, [...rows.tokens], [...rows.start], [...rows.attended!]])).toEqual([
    [0, [1, 2, 3], [0, 2, 3, 3], [2, 1, 0]],
    [3, [4, 5, 6, 7], [0, 4], [3]],
    [4, [8], [0, 1], [1]],
  ]);
  expect([...partsOf(rows, 100)]).toHaveLength(1);
});

const rows = packRows([[1, 2], [3]]);
test.each<[string, Partial<PackedRows>, string, string]>([
  ["no tokens", packRows([]), "USAGE", "rows: expected at least one token, got none"],
  ["an id past the vocabulary", packRows([[1, 300]]), "USAGE", "rows: expected token ids below 300, got 300 at 1"],
  ["a negative id", packRows([[-1]]), "USAGE", "rows: expected token ids below 300, got 4294967295 at 0"],
  ["a position past the context", packRows([[1]], { firstPosition: [64] }), "USAGE", "rows: expected positions below 64, got 64 at 0"],
  ["starts that don't reach the end", { start: u32(0, 2) }, "SHAPE", "rows: expected start to go from 0 to 3, got 0 to 2"],
  ["starts that go back", { start: u32(0, 3, 2, 3) }, "SHAPE", "rows: expected start to increase, got 3 then 2 at row 1"],
  ["too few positions", { positions: u32(0) }, "SHAPE", "rows: expected 3 positions, one for each token, got 1"],
  ["attended of another count", { attended: u32(1) }, "SHAPE", "rows: expected attended for 2 rows, got 1"],
  ["attended past the row", { attended: u32(2, 2) }, "SHAPE", "rows: expected attended of at most 1 at row 1, got 2"],
  ["another array", { tokens: Int32Array.of(1, 2, 3) as never }, "USAGE", "rows: expected tokens to be a Uint32Array, got Int32Array"],
])("%s: refused", (_, change, code, message) => {
  expect(() => checkRows({ ...rows, ...change }, config)).toThrow(expect.objectContaining({ name: "NeoxError", code, message }));
});
