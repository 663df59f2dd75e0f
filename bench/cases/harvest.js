// Activations of a model: rows of tokens in, what a layer's MLP writes out. Both sides stop behind that layer.
import { copyRowsInto } from "@dictlearn/kernels";
import { packRows } from "@dictlearn/neox";
import { demo } from "@dictlearn/demo";
import { openModel } from "dictlearn";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandError } from "@dictlearn/command";
import { realShapeFiles } from "../files/realShape.js";
import { openDevice } from "../harness/openDevice.js";

export const title = "Activations of a model";

/** A model of Pythia-70m's shape with random weights; the demo's where it is to be quick. */
export const modelOf = ({ quick, files }) => (quick ? { model: fileURLToPath(demo.model), D: 192, V: 4096 } : { model: join(realShapeFiles(join(files, "real-shape")), "model"), D: 512, V: 50_000 });

export const site = { layer: 3, name: "layers.3.mlp_out" };

export function rows(options) {
  const [{ model, D, V }, T, R] = [modelOf(options), 128, options.quick ? 4 : 32];
  return [
    {
      id: `${site.name} T=${T}`,
      label: `${options.quick ? "the demo's model" : "Pythia-70m's shape"} to ${site.name}, rows of ${T}`,
      shape: { R, T, D, site: site.name },
      unit: "token",
      targets: { default: [1, 1.3], wasm: [0.5, 0.65] },
      warmup: 1,
      profiled: true,
      ours: { model, R, T, V, D },
      peer: { model, R, T, V, layer: site.layer, pass_rows: 32 },
    },
  ];
}

/** Rows of a pass: as many as `harvest` of dictlearn takes on cpu. */
const passRows = 16;

export async function open({ model: folder, R, T, V, D, ...where }) {
  const device = await openDevice(where);
  const model = await openModel(folder, { device, site: site.name });
  const passes = Array.from({ length: Math.ceil(R / passRows) }, (_, i) => packRows(tokens(R, T, V).slice(i * passRows, (i + 1) * passRows)));
  const out = device.keep(device.zeros([R * T, D]));
  return {
    label: device.label,
    device,
    async turn() {
      let at = 0;
      for (const rows of passes)
        await model.neox.run(rows, {
          at: {
            [site.name](x) {
              copyRowsInto(out, x, { at });
              at += x.shape[0];
            },
          },
        });
      await device.idle();
      return R * T;
    },
    async facts() {
      const values = await out.read();
      return { sample: Array.from({ length: 64 }, (_, i) => values[(i * 104_729) % values.length]), deviceMiB: device.bytesInUse / 2 ** 20 };
    },
  };
}

/** R rows of T tokens, the same in peer_harvest.py. */
const tokens = (R, T, V) => Array.from({ length: R }, (_, r) => Array.from({ length: T }, (_, t) => (7919 * (r * T + t)) % V));

/** Both sides found the same activations. */
export function check({ label }, sides) {
  const [[first, { facts }], ...others] = Object.entries(sides);
  const largest = Math.max(...facts.sample.map(Math.abs));
  if (!(largest > 0 && largest < Infinity)) throw new CommandError("IO", `harvest, ${label}: expected activations, got ${largest} as the largest (${first})`);
  for (const [name, other] of others) {
    const apart = Math.max(...facts.sample.map((value, i) => Math.abs(value - other.facts.sample[i]))) / largest;
    if (!(apart < 1e-4)) throw new CommandError("IO", `harvest, ${label}: expected the same activations of both sides, got ${apart} of the largest apart (${first}, ${name})`);
  }
}
