import { arg, nextTask, pointer } from "../wasm/job.as";

/** byFeature(rowStart, index, start, entry, row, B, F, capacity): a stable counting sort in one task */
export function byFeature(): void {
  const rowStart = pointer(0), index = pointer(1), start = pointer(2), entry = pointer(3), row = pointer(4), B = arg(5), F = <u32>arg(6), capacity = <u32>arg(7);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const nnz = min(load<u32>(rowStart + (<usize>B << 2)), capacity);
    memory.fill(start, 0, (<usize>F + 1) << 2);
    for (let e: u32 = 0; e < nnz; e++) {
      const at = featureAt(start, index, e, F);
      store<u32>(at, load<u32>(at) + 1);
    }
    let sum: u32 = 0;
    for (let f: u32 = 0; f <= F; f++) {
      const at = start + (<usize>f << 2);
      sum += load<u32>(at);
      store<u32>(at, sum);
    }
    // from the last entry to the first, each to the end of what is left of its feature: the ends become starts
    for (let b = B - 1; b >= 0; b--) {
      const first = load<u32>(rowStart + (<usize>b << 2));
      for (let e = min(load<u32>(rowStart + (<usize>b << 2) + 4), nnz); e > first; e--) {
        const at = featureAt(start, index, e - 1, F), place = load<u32>(at) - 1;
        store<u32>(at, place);
        store<u32>(entry + (<usize>place << 2), e - 1);
        store<u32>(row + (<usize>place << 2), b);
      }
    }
  }
}
/** An index past the features is held to the last, so that no write leaves `start`. */
// @ts-ignore: decorator
@inline function featureAt(start: usize, index: usize, e: u32, F: u32): usize {
  return start + (<usize>min(load<u32>(index + (<usize>e << 2)), F - 1) << 2);
}
