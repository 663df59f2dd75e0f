import { arg, nextTask, pointer, scratch } from "../wasm/job.as";
import { reluKey, reluKeys } from "../wasm/simd.as";

/** topKInto(rowStart, index, values, x, mask or 0, R, F, k, at, names or 0): tasks of 4 rows */
export function topKInto(): void {
  const rowStart = pointer(0), index = pointer(1), values = pointer(2), x = pointer(3), mask = pointer(4), R = arg(5), F = arg(6), k = arg(7), at = arg(8), names = pointer(9);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let r = t * 4, last = min(r + 4, R); r < last; r++) {
      const row = x + (<usize>r * F << 2), eligible = mask ? countSet(mask, F) : F, K = min(k, eligible);
      const b = at + r, first = <usize>b * K << 2;
      store<i32>(rowStart + (<usize>b << 2), b * K);
      store<i32>(rowStart + (<usize>b << 2) + 4, (b + 1) * K);
      if (!K) continue;
      topOfRow(row, mask, F, K, index + first, values + first);
      if (names) for (let i = index + first, end = i + (<usize>K << 2); i < end; i += 4) store<u32>(i, load<u32>(names + (<usize>load<u32>(i) << 2)));
    }
}
function countSet(mask: usize, F: i32): i32 {
  let n = 0;
  for (let f: usize = 0; f < <usize>F << 2; f += 4) n += i32(load<u32>(mask + f) != 0);
  return n;
}

/** The K-th largest is found by its upper 11 bits, the next 11, the last 9: how many have each, added up from the largest. */
export function topOfRow(row: usize, mask: usize, F: i32, K: i32, index: usize, values: usize): void {
  const bins = scratch();
  let more = 0, prefix = 0, shift = 20, seen = 31; // keys that begin with `prefix` agree from bit `seen` on
  do {
    memory.fill(bins, 0, 2048 << 2);
    const low = i32x4.splat(seen == 31 ? 1 : prefix << seen), high = i32x4.splat(seen == 31 ? 0x7fffffff : (prefix << seen) + ((1 << seen) - 1));
    let f = 0;
    for (; f + 4 <= F; f += 4) {
      const key = reluKeys(v128.load(row + (<usize>f << 2)));
      let hits = i32x4.bitmask(v128.and(i32x4.ge_s(key, low), i32x4.le_s(key, high)));
      for (; hits; hits &= hits - 1) {
        const c = f + ctz(hits);
        if (!mask || load<u32>(mask + (<usize>c << 2))) count(bins, reluKey(row + (<usize>c << 2)) >> shift & (1 << seen - shift) - 1);
      }
    }
    for (; f < F; f++) {
      const key = reluKey(row + (<usize>f << 2));
      if ((seen == 31 || key >> seen == prefix) && (!mask || load<u32>(mask + (<usize>f << 2)))) count(bins, key >> shift & (1 << seen - shift) - 1);
    }
    // the lowest needs no count: K are there, so it has what the others lack (the first pass leaves out what is not positive)
    let bin = (1 << seen - shift) - 1;
    for (; bin > 0; bin--) {
      const n = load<i32>(bins + (<usize>bin << 2));
      if (more + n >= K) break;
      more += n;
    }
    prefix = prefix << seen - shift | bin;
    seen = shift;
    shift = shift == 20 ? 9 : 0;
  } while (seen);

  let ties = K - more, e: usize = 0, f = 0;
  const wanted = i32x4.splat(prefix);
  for (; f + 4 <= F; f += 4)
    for (let hits = i32x4.bitmask(i32x4.ge_s(reluKeys(v128.load(row + (<usize>f << 2))), wanted)); hits; hits &= hits - 1) {
      const c = f + ctz(hits), key = reluKey(row + (<usize>c << 2));
      if (mask && !load<u32>(mask + (<usize>c << 2))) continue;
      if (key == prefix && ties-- <= 0) continue;
      put(index, values, e++, c, row, key);
    }
  for (; f < F; f++) {
    const key = reluKey(row + (<usize>f << 2));
    if (key < prefix || (mask && !load<u32>(mask + (<usize>f << 2)))) continue;
    if (key == prefix && ties-- <= 0) continue;
    put(index, values, e++, f, row, key);
  }
}
// @ts-ignore: decorator
@inline function count(bins: usize, bin: i32): void {
  const at = bins + (<usize>bin << 2);
  store<i32>(at, load<i32>(at) + 1);
}
// @ts-ignore: decorator
@inline function put(index: usize, values: usize, e: usize, column: i32, row: usize, key: i32): void {
  store<i32>(index + (e << 2), column);
  store<i32>(values + (e << 2), key == 0x7fffffff ? load<i32>(row + (<usize>column << 2)) : key);
}
