import { arg, nextTask, pointer } from "../wasm/job.as";

/** splitRows(rowStart, index, ends, y, B*G, G, capacity): one task */
export function splitRows(): void {
  const rowStart = pointer(0), index = pointer(1), ends = pointer(2), y = pointer(3), rows = arg(4), G = arg(5), capacity = <u32>arg(6);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    let e = load<u32>(rowStart);
    store<u32>(y, e);
    for (let r = 0; r < rows; r++) {
      const g = r % G, last = min(load<u32>(rowStart + (<usize>(r / G) << 2) + 4), capacity), end = load<u32>(ends + (<usize>g << 2));
      if (g == G - 1) e = last;
      else while (e < last && load<u32>(index + (<usize>e << 2)) < end) e++;
      store<u32>(y + (<usize>r << 2) + 4, e);
    }
  }
}

/** prefixOfGroups(parts, bias or 0, y, n, D, g, G): tasks of 8,192 elements */
export function prefixOfGroups(): void {
  const parts = pointer(0), bias = pointer(1), y = pointer(2), n = arg(3), D = arg(4), g = arg(5), G = arg(6), row = <usize>D << 2;
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let i = t * 8192, end = min(t * 8192 + 8192, n); i < end; ) {
      const b = i / D, stop = min(end, b * D + D);
      let d = i - b * D;
      for (; i + 4 <= stop; i += 4, d += 4) {
        let at = parts + <usize>b * G * row + (<usize>d << 2), sum = bias ? v128.load(bias + (<usize>d << 2)) : f32x4.splat(0);
        for (let j = 0; j <= g; j++, at += row) sum = f32x4.add(sum, v128.load(at));
        v128.store(y + (<usize>i << 2), sum);
      }
      for (; i < stop; i++, d++) {
        let at = parts + <usize>b * G * row + (<usize>d << 2), sum: f32 = bias ? load<f32>(bias + (<usize>d << 2)) : 0;
        for (let j = 0; j <= g; j++, at += row) sum += load<f32>(at);
        store<f32>(y + (<usize>i << 2), sum);
      }
    }
}

/** suffixOfGroupsInto(sums, x, n, D, g, G): tasks of 8,192 elements */
export function suffixOfGroupsInto(): void {
  const sums = pointer(0), x = pointer(1), n = arg(2), D = arg(3), g = arg(4), G = arg(5), row = <usize>D << 2, last = g + 1 == G;
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let i = t * 8192, end = min(t * 8192 + 8192, n); i < end; ) {
      const b = i / D, stop = min(end, b * D + D);
      let at = sums + <usize>(b * G + g) * row + (<usize>(i - b * D) << 2);
      for (; i + 4 <= stop; i += 4, at += 16) {
        const v = v128.load(x + (<usize>i << 2));
        v128.store(at, last ? v : f32x4.add(v, v128.load(at + row)));
      }
      for (; i < stop; i++, at += 4) {
        const v = load<f32>(x + (<usize>i << 2));
        store<f32>(at, last ? v : v + load<f32>(at + row));
      }
    }
}
