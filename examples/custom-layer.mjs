// An op of one's own, on the CPU and in WGSL, and a layer of the model that runs on it.
//   node examples/custom-layer.mjs [TEXTS]
import { openSafetensors } from "@dictlearn/checkpoint";
import { fileSource } from "@dictlearn/checkpoint/node";
import { demo } from "@dictlearn/demo";
import { castF32, defineOp, eachElement, gelu, grid, linear, mul, sum, valueAndGradients } from "@dictlearn/kernels";
import { openDevice } from "@dictlearn/kernels/node";
import { packRows } from "@dictlearn/neox";
import { openModel, openTexts } from "dictlearn";

// An op of one number after another: a shape rule, the reference (which also runs on the CPU, where there is no WASM), a shader.
const elementwise = (name, { reference, wgsl, ...gradient }) =>
  defineOp({
    name,
    outputs: ({ x }) => ({ y: { dtype: "f32", shape: x.shape } }),
    reference: ({ x }, { y }, { beta }) => x.data.forEach((v, i) => (y.data[i] = reference(v, beta))),
    wgsl: ({ x }, { y }, { beta }) => ({
      code: `fn sigmoid(v: f32) -> f32 { return 1.0 / (1.0 + exp(-clamp(v, -80.0, 80.0))); }
        ${eachElement(`let v = x[index]; y[index] = ${wgsl};`)}`,
      read: { x },
      write: { y },
      u32: { n: x.size },
      f32: { beta },
      workgroups: grid(Math.ceil(x.size / 256)),
    }),
    ...gradient,
  });

// swish(x) = x sigmoid(βx) (Ramachandran et al. 2017). Its vjp: the slope of the loss in y, times dy/dx, which is an op as well.
const sigmoid = (v) => 1 / (1 + Math.exp(-v));
const slope = elementwise("swishSlope", {
  reference: (v, beta) => sigmoid(beta * v) * (1 + beta * v * (1 - sigmoid(beta * v))),
  wgsl: "sigmoid(p.beta * v) * (1.0 + p.beta * v * (1.0 - sigmoid(p.beta * v)))",
});
const swishOp = elementwise("swish", {
  reference: (v, beta) => v * sigmoid(beta * v),
  wgsl: "v * sigmoid(p.beta * v)",
  saves: ["x"],
  vjp: ({ inputs: { x }, cotangents: { y }, params }) => ({ x: mul(y, slope({ x }, params).y) }),
});
const swish = (x, beta) => swishOp({ x }, { beta }).y;

// Is the gradient right? Against central differences, on every device there is.
for (const options of [{ backend: "cpu" }, { backend: "webgpu", software: true }]) {
  const device = await openDevice(options).catch((error) => console.log(error.message));
  if (!device) continue;
  const numbers = Float32Array.from({ length: 1000 }, (_, i) => (i - 500) / 100); // -5 to 5
  const at = (by) => swish(device.tensor(numbers.map((v) => v + by), [1000]), 1.7).read();
  const { gradients } = valueAndGradients({ x: device.tensor(numbers, [1000]) }, ({ x }) => sum(swish(x, 1.7)));
  const [slopes, above, below] = await Promise.all([gradients.x.read(), at(0.01), at(-0.01)]);
  const off = Math.max(...slopes.map((s, i) => Math.abs(s - (above[i] - below[i]) / 0.02)));
  console.log(`${device.label}: gradient and differences are at most ${off.toExponential(1)} apart`);
  device.dispose();
}

// The MLP of layer 3 again, with any activation in the place of GELU: what it reads is one site, what it writes another.
const device = await openDevice();
const model = await openModel("demo", { device });
const file = await fileSource(new URL("model.safetensors", demo.model));
const weights = await openSafetensors(file);
const read = async (name) => {
  const { data, shape, dtype } = await weights.read(`gpt_neox.layers.3.mlp.${name}`);
  const tensor = device.tensor(data, shape, dtype);
  return dtype === "f16" ? castF32(tensor) : tensor;
};
const [up, upBias, down, downBias] = await Promise.all(["dense_h_to_4h.weight", "dense_h_to_4h.bias", "dense_4h_to_h.weight", "dense_4h_to_h.bias"].map(read));
const layerWith = (activation) => {
  let h; // f32[N,D]
  return {
    "layers.3.mlp_in": (x) => void (h = x),
    "layers.3.mlp_out": () => linear(activation(linear(h, up, upBias)), down, downBias), // f32[N,D]
  };
};

const texts = [];
for await (const { text } of openTexts("demo", { shuffle: { seed: 0, window: 32 } })) if (texts.push(model.tokenizer.encode(text).subarray(0, 128)) >= Number(process.argv[2] ?? 48)) break;
const rows = packRows(texts);
const tell = async (name, at) => console.log(`${name.padEnd(24)} ${(await model.neox.loss(rows, { at })).loss.toFixed(4)} nats a token`);
await tell("the model as it is", {});
await tell("its layer, written here", layerWith(gelu));
for (const beta of [0.5, 1, 1.7, 4]) await tell(`with swish, β = ${beta}`, layerWith((x) => swish(x, beta)));

await file.close();
await model.dispose();
device.dispose();
