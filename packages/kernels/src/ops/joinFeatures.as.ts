import { arg, nextTask, pointer } from "../wasm/job.as";

/** addStartsInto(rowStart, more, n): one task */
export function addStartsInto(): void {
  const rowStart = pointer(0), more = pointer(1), end = <usize>arg(2) << 2;
  for (let t = nextTask(); t >= 0; t = nextTask()) for (let b: usize = 0; b < end; b += 4) store<u32>(rowStart + b, load<u32>(rowStart + b) + load<u32>(more + b));
}

/** placeEntriesInto(next, index, values, fromRowStart, fromIndex, fromValues, B, capacity, fromCapacity, first): tasks of 8 rows */
export function placeEntriesInto(): void {
  const next = pointer(0), index = pointer(1), values = pointer(2), starts = pointer(3), fromIndex = pointer(4), fromValues = pointer(5), B = arg(6), capacity = <u32>arg(7), most = <u32>arg(8), first = <u32>arg(9);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let b = t * 8, last = min(b + 8, B); b < last; b++) {
      const at = <usize>b << 2;
      let to = load<u32>(next + at);
      for (let e = load<u32>(starts + at), end = min(load<u32>(starts + at + 4), most); e < end && to < capacity; e++, to++) {
        store<u32>(index + (<usize>to << 2), first + load<u32>(fromIndex + (<usize>e << 2)));
        memory.copy(values + (<usize>to << 2), fromValues + (<usize>e << 2), 4);
      }
      store<u32>(next + at, to);
    }
}
