import { expect, test } from "vitest";
import { count, sizeOf } from "./amounts.js";

test.each([[1_234_567, "1,234,567"], [0, "0"]])("%i is counted as %s", (n, text) => expect(count(n)).toBe(text));
test.each([[20_480_000_000, "20.5 GB"], [2e9, "2 GB"], [12_400_000, "12 MB"], [2_600, "3 kB"]])("%i bytes are %s", (bytes, text) => expect(sizeOf(bytes)).toBe(text));
