// Single ops against PyTorch's, on the same numbers.
import { attention, decodeSparse, encodeTopK, gelu, layerNorm, linear } from "@dictlearn/kernels";
import { CommandError } from "@dictlearn/command";
import { openDevice } from "../harness/openDevice.js";

export const title = "Single ops";

/** By op: its inputs' shapes, the calls of a turn, and the call. */
const ops = {
  linear: { inputs: ({ B, D, F }) => ({ x: [B, D], weight: [F, D], bias: [F] }), call: ({ x, weight, bias }) => linear(x, weight, bias) },
  gelu: { inputs: ({ B, M }) => ({ x: [B, M] }), call: ({ x }) => gelu(x) },
  layerNorm: { inputs: ({ B, D }) => ({ x: [B, D], weight: [D], bias: [D] }), call: ({ x, weight, bias }) => layerNorm(x, weight, bias, { epsilon: 1e-5 }) },
  attention: { inputs: ({ B, D }) => ({ q: [B, D], k: [B, D], v: [B, D] }), call: ({ q, k, v, spans }, { H }) => attention(q, k, v, spans, { heads: H }) },
  encodeTopK: { inputs: ({ B, D, F }) => ({ x: [B, D], weight: [F, D], bias: [F] }), call: ({ x, weight, bias }, { k }) => encodeTopK(x, weight, bias, { k }).values },
  decodeSparse: { inputs: ({ B, D, F }) => ({ x: [B, D], weight: [F, D], bias: [F], decoderBias: [D] }), call: ({ features, weight, decoderBias }) => decodeSparse(features, weight, decoderBias) },
};

export function rows({ quick, device }) {
  const [B, D, F, M, T] = quick ? [128, 64, 256, 128, 32] : [2048, 512, 4096, 2048, 128];
  const [H, k] = [8, quick ? 8 : 32];
  const f = (value) => value.toLocaleString("en");
  return [
    { op: "linear", shape: { B, D, F }, threads: 1, label: `linear [${f(B)},${D}] x [${f(F)},${D}]ᵀ, 1 thread` },
    { op: "linear", shape: { B, D, F }, label: `linear [${f(B)},${D}] x [${f(F)},${D}]ᵀ` },
    { op: "linear", shape: { B, D, F: D }, repeat: 4, label: `linear [${f(B)},${D}] x [${f(D)},${D}]ᵀ` },
    { op: "gelu", shape: { B, M }, repeat: 10, label: `gelu [${f(B)},${f(M)}]` },
    { op: "layerNorm", shape: { B, D }, repeat: 20, label: `layerNorm [${f(B)},${D}]` },
    { op: "attention", shape: { B, D, H, T }, repeat: 4, label: `attention, ${B / T} rows of ${T}, ${H} heads, causal` },
    { op: "encodeTopK", shape: { B, D, F, k }, label: `encodeTopK, k = ${k}, F = ${f(F)}` },
    { op: "decodeSparse", shape: { B, D, F, k }, repeat: 4, label: `decodeSparse, k = ${k}, F = ${f(F)} (there: a dense product)` },
  ].filter(({ threads }) => !threads || device === "cpu").map(({ op, shape, threads, repeat = 1, label }) => {
    const params = { kernel: op, shape, ...(threads && { threads }) };
    return { id: `${op} ${Object.values(shape).join("x")}${threads ? ` ${threads} thread` : ""}`, label, shape, targets: {}, warmup: 2, repeat, ours: params, peer: params };
  });
}

export async function open({ kernel, shape, ...where }) {
  const device = await openDevice(where);
  const { inputs, call } = ops[kernel];
  const tensors = Object.fromEntries(Object.entries(inputs(shape)).map(([name, dims], salt) => [name, device.keep(device.tensor(numbers(dims, salt), dims))]));
  if (kernel === "attention") tensors.spans = device.keep(device.tensor(Uint32Array.from({ length: 2 * shape.B }, (_, i) => (i % 2 ? (i >> 1) + 1 : (i >> 1) - ((i >> 1) % shape.T))), [shape.B, 2]));
  if (kernel === "decodeSparse") tensors.features = encodeTopK(tensors.x, tensors.weight, tensors.bias, { k: shape.k });
  const run = () => call(tensors, shape);
  return {
    label: device.label,
    device,
    async turn() {
      device.scope(() => void run());
      await device.idle();
    },
    facts: () => device.scope(async () => ({ meanAbs: (await run().read()).reduce((sum, value, _, all) => sum + Math.abs(value) / all.length, 0) })),
  };
}

/** Evenly from -1 to 1, as peer_kernels.py makes them: murmur3's last steps on the place. */
function numbers(dims, salt) {
  return Float32Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => {
    let h = Math.imul(i + 1, 16) + salt;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return ((h ^ (h >>> 16)) >>> 0) / 2 ** 31 - 1;
  });
}

/** Both sides computed the same. */
export function check({ label }, sides) {
  const [[, first]] = Object.entries(sides);
  for (const [name, { facts }] of Object.entries(sides))
    if (!(Math.abs(facts.meanAbs / first.facts.meanAbs - 1) < 1e-4)) throw new CommandError("IO", `kernels, ${label}: expected the same result of both sides, got ${first.facts.meanAbs} and ${facts.meanAbs} as mean |y| (${name})`);
}
