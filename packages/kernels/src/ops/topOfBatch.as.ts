import { arg, nextTask, pointer, scratch } from "../wasm/job.as";
import { reluKey, reluKeys } from "../wasm/simd.as";

// topOfBatch*(x, row, column, values, newRow, newColumn, newValues, bins, state, counts, m, size, F, kept, at, old, parts, digit):
// parts 0 to `old` are of the m values so far, the others of the elements of x, 65,536 each.
// state: what the keys that are kept last begin with, and how many are larger.
const PART: i32 = 65536;

// @ts-ignore: decorator
@inline function elements(part: i32): usize {
  const old = arg(15);
  return part < old ? pointer(3) + (<usize>part * PART << 2) : pointer(0) + (<usize>(part - old) * PART << 2);
}
// @ts-ignore: decorator
@inline function lengthOf(part: i32): i32 {
  const old = arg(15);
  return min(PART, part < old ? arg(10) - part * PART : arg(11) - (part - old) * PART);
}

/** How many of a part's keys that begin with the prefix have each digit: a task a part. */
export function topOfBatchCount(): void {
  const digit = arg(17), seen = digit == 0 ? 31 : digit == 1 ? 20 : 9, shift = digit == 0 ? 20 : digit == 1 ? 9 : 0, mask = (1 << seen - shift) - 1;
  const prefix = digit ? load<i32>(pointer(8)) : 0;
  // the first pass leaves out what is not positive, about half: the lowest digit needs no count
  const low = i32x4.splat(digit ? prefix << seen : 1), high = i32x4.splat(digit ? (prefix << seen) + ((1 << seen) - 1) : 0x7fffffff);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const x = elements(t), n = lengthOf(t), bins = pointer(7) + (<usize>t << 13);
    memory.fill(bins, 0, 2048 << 2);
    let i = 0;
    for (; i + 4 <= n; i += 4) {
      const key = reluKeys(v128.load(x + (<usize>i << 2)));
      for (let hits = i32x4.bitmask(v128.and(i32x4.ge_s(key, low), i32x4.le_s(key, high))); hits; hits &= hits - 1) count(bins, reluKey(x + (<usize>(i + ctz(hits)) << 2)) >> shift & mask);
    }
    for (; i < n; i++) {
      const key = reluKey(x + (<usize>i << 2));
      if (!digit || key >> seen == prefix) count(bins, key >> shift & mask);
    }
  }
}
// @ts-ignore: decorator
@inline function count(bins: usize, bin: i32): void {
  const at = bins + (<usize>bin << 2);
  store<i32>(at, load<i32>(at) + 1);
}

/** The digit that the key kept last has: one task. */
export function topOfBatchPick(): void {
  const bins = pointer(7), state = pointer(8), kept = arg(13), parts = arg(16), digit = arg(17), bits = digit == 2 ? 9 : 11, all = scratch();
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    memory.copy(all, bins, 2048 << 2);
    for (let p = 1; p < parts; p++)
      for (let b: usize = 0; b < 2048 << 2; b += 16) v128.store(all + b, i32x4.add(v128.load(all + b), v128.load(bins + (<usize>p << 13) + b)));
    let more = digit ? load<i32>(state, 4) : 0, bin = (1 << bits) - 1;
    for (; bin > 0; bin--) {
      const n = load<i32>(all + (<usize>bin << 2));
      if (more + n >= kept) break;
      more += n;
    }
    store<i32>(state, (digit ? load<i32>(state) << bits : 0) | bin);
    store<i32>(state, more, 4);
  }
}

/** How many of a part's keys are larger than the one kept last, and how many equal it: a task a part. */
export function topOfBatchRanks(): void {
  const last = load<i32>(pointer(8)), wanted = i32x4.splat(last);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const x = elements(t), n = lengthOf(t);
    let larger = i32x4.splat(0), equal = larger, i = 0; // counted downwards: true is -1
    for (; i + 4 <= n; i += 4) {
      const key = reluKeys(v128.load(x + (<usize>i << 2)));
      larger = i32x4.add(larger, i32x4.gt_s(key, wanted));
      equal = i32x4.add(equal, i32x4.eq(key, wanted));
    }
    let l = -sum(larger), e = -sum(equal);
    for (; i < n; i++) {
      const key = reluKey(x + (<usize>i << 2));
      l += i32(key > last);
      e += i32(key == last);
    }
    store<i32>(pointer(9) + (<usize>t << 3), l);
    store<i32>(pointer(9) + (<usize>t << 3), e, 4);
  }
}
// @ts-ignore: decorator
@inline function sum(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}

/** Counts of the parts become those of all parts before: one task. */
export function topOfBatchScan(): void {
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    let larger = 0, equal = 0;
    for (let at = pointer(9), end = at + (<usize>arg(16) << 3); at < end; at += 8) {
      const l = load<i32>(at), e = load<i32>(at, 4);
      store<i32>(at, larger);
      store<i32>(at, equal, 4);
      larger += l;
      equal += e;
    }
  }
}

/** Those that are kept go to their places: a task a part. */
export function topOfBatchTake(): void {
  const last = load<i32>(pointer(8)), wanted = i32x4.splat(last), ties = arg(13) - load<i32>(pointer(8), 4);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const x = elements(t), n = lengthOf(t);
    let larger = load<i32>(pointer(9) + (<usize>t << 3)), equal = load<i32>(pointer(9) + (<usize>t << 3), 4), i = 0;
    for (; i < n; i += 4) {
      let hits = i + 4 <= n ? i32x4.bitmask(i32x4.ge_s(reluKeys(v128.load(x + (<usize>i << 2))), wanted)) : (1 << n - i) - 1;
      for (; hits; hits &= hits - 1) {
        const at = i + ctz(hits), key = reluKey(x + (<usize>at << 2));
        if (key > last) take(larger++ + min(equal, ties), t, at, key, x);
        else if (key == last && equal++ < ties) take(larger + equal - 1, t, at, key, x);
      }
    }
  }
}
// @ts-ignore: decorator
@inline function take(place: i32, part: i32, i: i32, key: i32, x: usize): void {
  const to = <usize>place << 2, old = arg(15), F = arg(12), from = <usize>(part * PART + i) << 2;
  if (part < old) {
    store<u32>(pointer(4) + to, load<u32>(pointer(1) + from));
    store<u32>(pointer(5) + to, load<u32>(pointer(2) + from));
  } else {
    const flat = (part - old) * PART + i;
    store<i32>(pointer(4) + to, arg(14) + flat / F);
    store<i32>(pointer(5) + to, flat % F);
  }
  store<i32>(pointer(6) + to, key == 0x7fffffff ? load<i32>(x + (<usize>i << 2)) : key);
}

/** rowOffsets(row, rowStart, nnz, B): one task */
export function rowOffsets(): void {
  const row = pointer(0), rowStart = pointer(1), nnz = <u32>arg(2), B = arg(3);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    let e: u32 = 0;
    for (let b = 0; b <= B; b++) {
      while (e < nnz && load<i32>(row + (<usize>e << 2)) < b) e++;
      store<u32>(rowStart + (<usize>b << 2), e);
    }
  }
}
