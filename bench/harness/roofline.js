// What an op has to do at least: its floating-point operations, or those in integers, and the bytes of every tensor that it touches, once.
import { adamInto, add, encodeThreshold, linear } from "@dictlearn/kernels";

const sizeOf = ({ shape }) => shape.reduce((a, b) => a * b, 1);
const bytesOf = (spec) => sizeOf(spec) * (spec.dtype === "f16" ? 2 : 4);
const total = (specs, of = bytesOf) => Object.values(specs).reduce((sum, spec) => sum + of(spec), 0);

/** Of a product of the entries of sparse features with rows of D. */
const perEntry = (entries, { shape: [, D] }, { active = Infinity }) => 2 * Math.min(sizeOf(entries), active) * D;

const flops = {
  linear: ({ inputs: { x, weight } }) => 2 * sizeOf(x) * weight.shape[0],
  linearPart: ({ inputs: { x }, outputs: { h } }) => 2 * (sizeOf(h) - 15) * x.shape[1], // 15 numbers are room to read over the end
  matmul: ({ inputs: { a }, outputs: { y } }) => 2 * sizeOf(a) * y.shape[1],
  decodeSparse: ({ inputs: { index, decoder } }, known) => perEntry(index, decoder, known),
  linearAt: ({ inputs: { index, x } }, known) => perEntry(index, x, known),
  linearAtByFeature: ({ inputs: { entry, x } }) => perEntry(entry, x, {}), // entries of any kind, candidates among them
  sumRowsByFeature: ({ inputs: { entry, rows } }, known) => perEntry(entry, rows, known),
  attention: ({ inputs: { q } }, { T }) => 2 * sizeOf(q) * T, // scores and sums over half of T, on average
  adamInto: ({ inputs: { parameter } }) => 12 * sizeOf(parameter),
};

/** Products and sums in 16-bit integers; the few candidates that are computed in f32 count as nothing. */
const integers = {
  screenTopK: ({ inputs: { x, encoder } }) => 2 * sizeOf(x) * encoder.shape[0],
  screenActive: ({ inputs: { encoder }, outputs: { counts } }) => 2 * sizeOf(counts) * sizeOf(encoder), // of the rows that it was asked for
};

const bytes = {
  adamInto: ({ inputs: { parameter } }) => 7 * bytesOf(parameter), // reads four, writes three of them
  embedding: ({ inputs: { ids }, outputs }) => bytesOf(ids) + 2 * total(outputs), // of the table the rows that are asked for
  linearPart: ({ inputs: { x, encoder }, outputs: { h } }) => bytesOf(x) + bytesOf(h) + 4 * (sizeOf(h) / x.shape[0]) * encoder.shape[1],
  noteProductsInto: ({ inputs: { h } }) => bytesOf(h), // candidates, as their computation, count as nothing
  copyRowsInto: ({ inputs: { source } }) => 2 * bytesOf(source),
  clipInto: ({ inputs }) => total(inputs), // writes where it has to clip only
};

/**
 * @param known { active, T } entries of the sparse features, where their tensors have room for more; positions of a row
 * @returns { flops, integers, bytes } of one run; of operations an op has one kind
 */
export function work(run, known = {}) {
  const { op, inputs, outputs } = run;
  const all = { ...inputs, ...outputs };
  return {
    flops: integers[op] ? 0 : (flops[op]?.(run, known) ?? Math.max(...Object.values(all).map(sizeOf))), // else about one for each element
    integers: integers[op]?.(run) ?? 0,
    bytes: bytes[op]?.(run) ?? total(all) + (op.endsWith("Into") ? bytesOf(Object.values(inputs)[0]) : 0),
  };
}

/** How the peaks are found: each the best of `tries`, of products at depths K and of vectors of n numbers. */
const thorough = { tries: 8, depths: [256, 1024], n: 2 ** 24 };
/** To see that it works. */
export const few = { tries: 2, depths: [256], n: 2 ** 16 };

/**
 * The device's own best, with the engine that it has: f32 products that stay in caches; a screen that finds nothing, of an encoder
 * that stays in caches; and of vectors that do not, a sum and a step of Adam. On cpu the sum fetches what it is about to
 * write, so that Adam, which changes what it has read, moves more bytes a second.
 */
async function peaks(device, { tries, depths, n }) {
  /** The most of some work a second. */
  const most = async (shapes, call, of, least = 0) => {
    const tensors = shapes.map((shape) => device.keep(device.zeros(shape)));
    let perSecond = 0;
    let longest = 0;
    for (let i = 0; i < tries; i++)
      for (const run of await device.profile(() => device.scope(() => void call(...tensors)))) {
        perSecond = Math.max(perSecond, work(run)[of] / run.seconds);
        longest = Math.max(longest, run.seconds);
      }
    for (const tensor of tensors) tensor.dispose();
    return longest < least ? undefined : perSecond;
  };
  let flopsPerSecond = 0;
  for (const K of depths) for (let N = 512, found; !found; N *= 2) flopsPerSecond = Math.max(flopsPerSecond, (found = await most([[N, K], [N, K]], linear, "flops", 5e-3)) ?? 0); // long enough to be busy
  const screen = (x, encoder, bias) => encodeThreshold(x, encoder, bias, device.tensor(Float32Array.of(1), [1]));
  return {
    flopsPerSecond,
    integersPerSecond: device.kind === "cpu" ? await most([[1024, 512], [1024, 512], [1024]], screen, "integers") : 0,
    bytesPerSecond: Math.max(await most([[n], [n]], add, "bytes"), await most([[n], [n], [n], [n]], (...of) => adamInto(...of, { lr: 0, beta1: 0.9, beta2: 0.999, epsilon: 1, step: 1 }), "bytes")),
  };
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
  const { flopsPerSecond, integersPerSecond, bytesPerSecond } = await peaks(device, peaksBy);
  const ops = {};
  for (const run of runs) {
    const { flops, integers, bytes } = work(run, known);
    const op = (ops[run.op] ??= { op: run.op, calls: 0, seconds: 0, flops: 0, bytes: 0, least: 0 });
    op.calls++;
    op.seconds += run.seconds;
    op.flops += flops + integers;
    op.bytes += bytes;
    op.least += Math.max(integers && integersPerSecond ? integers / integersPerSecond : flops / flopsPerSecond, bytes / bytesPerSecond); // an engine screens by products, and by integers only what is too small for it
  }
  const round = (value) => Number(value.toPrecision(4));
  return {
    seconds: round(seconds),
    outside: round(seconds - runs.reduce((sum, run) => sum + run.seconds, 0)), // on WebGPU: gaps, and the host
    gflopsPerSecond: round(flopsPerSecond / 1e9),
    integerGopsPerSecond: round(integersPerSecond / 1e9),
    gigabytesPerSecond: round(bytesPerSecond / 1e9),
    ops: Object.values(ops)
      .toSorted((a, b) => b.seconds - a.seconds)
      .map(({ op, calls, seconds, flops, bytes, least }) => ({ op, calls, seconds: round(seconds), gflop: round(flops / 1e9), megabytes: round(bytes / 1e6), share: round(least / seconds) })),
  };
}
