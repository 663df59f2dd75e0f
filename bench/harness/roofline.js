// What an op has to do at least: its floating-point operations, and the bytes of every tensor that it touches, once.
import { add, linear } from "@dictlearn/kernels";

const sizeOf = ({ shape }) => shape.reduce((a, b) => a * b, 1);
const bytesOf = (spec) => sizeOf(spec) * (spec.dtype === "f16" ? 2 : 4);
const total = (specs, of = bytesOf) => Object.values(specs).reduce((sum, spec) => sum + of(spec), 0);

/** Of a product of the entries of sparse features with rows of D. */
const perEntry = (entries, { shape: [, D] }, { active = Infinity }) => 2 * Math.min(sizeOf(entries), active) * D;

const flops = {
  linear: ({ inputs: { x, weight } }) => 2 * sizeOf(x) * weight.shape[0],
  screenTopK: ({ inputs: { x, encoder } }) => 2 * sizeOf(x) * encoder.shape[0], // in 16-bit integers, nearly all
  decodeSparse: ({ inputs: { index, decoder } }, known) => perEntry(index, decoder, known),
  linearAt: ({ inputs: { index, x } }, known) => perEntry(index, x, known),
  sumRowsByFeature: ({ inputs: { entry, rows } }, known) => perEntry(entry, rows, known),
  attention: ({ inputs: { q } }, { T }) => 2 * sizeOf(q) * T, // scores and sums over half of T, on average
  adamInto: ({ inputs: { parameter } }) => 12 * sizeOf(parameter),
};

const bytes = {
  adamInto: ({ inputs: { parameter } }) => 7 * bytesOf(parameter), // reads four, writes three of them
  embedding: ({ inputs: { ids }, outputs }) => bytesOf(ids) + 2 * total(outputs), // of the table the rows that are asked for
  copyRowsInto: ({ inputs: { source } }) => 2 * bytesOf(source),
  clipInto: ({ inputs }) => total(inputs), // writes where it has to clip only
};

/**
 * @param known { active, T } entries of the sparse features, where their tensors have room for more; positions of a row
 * @returns { flops, bytes } of one run
 */
function work(run, known) {
  const { op, inputs, outputs } = run;
  const all = { ...inputs, ...outputs };
  return {
    flops: flops[op]?.(run, known) ?? Math.max(...Object.values(all).map(sizeOf)), // else about one for each element
    bytes: bytes[op]?.(run) ?? total(all) + (op.endsWith("Into") ? bytesOf(Object.values(inputs)[0]) : 0),
  };
}

/** How the peaks are found: each the best of `tries`, the sum's vectors of n numbers. */
const thorough = { tries: 8, n: 2 ** 24 };
/** To see that it works. */
export const few = { tries: 2, n: 2 ** 16 };

/** The device's own best: f32 products that stay in caches, and a sum of vectors that do not. */
async function peaks(device, { tries, n }) {
  const best = async (shapes, call) => {
    const tensors = shapes.map((shape) => device.keep(device.zeros(shape)));
    let seconds = Infinity;
    for (let i = 0; i < tries; i++) seconds = Math.min(seconds, (await device.profile(() => device.scope(() => void call(...tensors))))[0].seconds);
    for (const tensor of tensors) tensor.dispose();
    return seconds;
  };
  const K = 256;
  let [N, seconds] = [256, 0];
  while (seconds < 5e-3) seconds = await best([[(N *= 2), K], [N, K]], linear); // long enough to be busy
  return { flopsPerSecond: (2 * N * N * K) / seconds, bytesPerSecond: (12 * n) / (await best([[n], [n]], add)) };
}

/**
 * Where the time of a turn goes.
 * @param known as `work` takes it
 * @param peaksBy `few` to be quick
 * @returns the machine's peaks and, longest first, each op's time, work, and share of what the peaks allow
 */
export async function profileOf(device, turn, known, peaksBy = thorough) {
  await turn();
  const start = performance.now();
  const runs = await device.profile(turn);
  const seconds = (performance.now() - start) / 1e3;
  const { flopsPerSecond, bytesPerSecond } = await peaks(device, peaksBy);
  const ops = {};
  for (const run of runs) {
    const { flops, bytes } = work(run, known);
    const op = (ops[run.op] ??= { op: run.op, calls: 0, seconds: 0, flops: 0, bytes: 0, least: 0 });
    op.calls++;
    op.seconds += run.seconds;
    op.flops += flops;
    op.bytes += bytes;
    op.least += Math.max(flops / flopsPerSecond, bytes / bytesPerSecond);
  }
  const round = (value) => Number(value.toPrecision(4));
  return {
    seconds: round(seconds),
    outside: round(seconds - runs.reduce((sum, run) => sum + run.seconds, 0)), // on WebGPU: gaps, and the host
    gflopsPerSecond: round(flopsPerSecond / 1e9),
    gigabytesPerSecond: round(bytesPerSecond / 1e9),
    ops: Object.values(ops)
      .toSorted((a, b) => b.seconds - a.seconds)
      .map(({ op, calls, seconds, flops, bytes, least }) => ({ op, calls, seconds: round(seconds), gflop: round(flops / 1e9), megabytes: round(bytes / 1e6), share: round(least / seconds) })),
  };
}
