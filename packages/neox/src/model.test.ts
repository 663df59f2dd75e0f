import { add, copyRowsInto, type Tensor } from "@dictlearn/kernels";
import { devices, expectClose } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { oracleModel, oracleNames, openOn, paddedRows, values } from "../test/oracleModel.js";
import { packRows, sitesOf, type HooksBySite, type PackedRows } from "./index.js";

const models = await Promise.all(oracleNames.map(oracleModel));
const tolerance = { absolute: 1e-4, relative: 1e-5 }; // oracles/neox/README.md

/** The name in expected.safetensors of a site that transformers shows. */
function recorded(site: string): string | undefined {
  if (/attn_in|attn_z|mlp_in/.test(site)) return undefined;
  return site.replace(/^embed$/, "embed_in").replace("attn_out", "attention").replace("mlp_out", "mlp").replace("final_norm", "final_layer_norm");
}

/** Reads every site of a run. */
async function observe(run: (at: HooksBySite) => Promise<unknown>, sites: readonly string[]): Promise<Record<string, Float32Array>> {
  const reads: Record<string, Promise<unknown>> = {};
  await run(Object.fromEntries(sites.map((site) => [site, (x: Tensor) => void (reads[site] = x.read())])));
  return Object.fromEntries(await Promise.all(Object.entries(reads).map(async ([site, read]) => [site, await read])));
}

for (const { name, device, skipped } of await devices())
  describe.skipIf(skipped)(`on ${name}`, () => {
    describe.each(models)("$name", (model) => {
      const sites = sitesOf(model.config.layers);

      test("a site hooked alone sees what it sees among all: the pass may skip what nobody looks at", async () => {
        using neox = openOn(device!, model);
        const watch = (sites: readonly string[]) => observe((at) => neox.run(paddedRows(model, "right"), { at }), sites);
        const together = await watch(sites);
        for (const site of sites) expect(await watch([site])).toEqual({ [site]: together[site] });
      });

      test("a weight is given by its name, and stays the model's", async () => {
        using neox = openOn(device!, model);
        const { vocabulary, width } = model.config;
        const weight = await neox.weight("embed_out.weight");
        expect([weight.shape, await neox.weight("embed_out.weight")]).toEqual([[vocabulary, width], weight]);
        await expect(neox.weight("embed_out.bias")).rejects.toThrow('weight: expected the name of one, such as embed_out.weight, got "embed_out.bias"');
      });

      test.each(["right", "left"] as const)("every site and the logits agree with transformers, %s-padded", async (side) => {
        using neox = openOn(device!, model);
        const rows = paddedRows(model, side);
        const seen = await observe((at) => neox.run(rows, { at }), sites);
        expect(Object.keys(seen)).toEqual(sites);
        for (const site of sites) if (recorded(site)) expectClose(seen[site], values(model, side, recorded(site)!), tolerance);

        using logits = (await neox.run(rows, { logits: true })).logits!;
        expect(logits.shape).toEqual([rows.tokens.length, model.config.vocabulary]);
        expectClose(await logits.read(), values(model, side, "logits"), tolerance);
      });

      test("the loss is transformers', padded or not", async () => {
        using neox = openOn(device!, model);
        for (const side of ["right", "left"] as const) {
          const { loss, targets } = await neox.loss(paddedRows(model, side));
          expect(targets).toBe(model.info["right.loss_targets"]);
          expectClose([loss], [model.info[`${side}.loss`]], { absolute: 1e-5 });
        }
      });

      test("a hook that returns a tensor replaces the activation", async () => {
        using neox = openOn(device!, model);
        const rows = paddedRows(model, "right");
        using v = device!.tensor(model.expected["add_v1.v"].data, [model.config.width]);
        const interventions: [name: "zero_mlp1" | "add_v1", at: HooksBySite][] = [
          ["zero_mlp1", { "layers.1.mlp_out": (x) => device!.zeros(x.shape) }],
          ["add_v1", { "layers.1.resid_post": (x) => add(x, v) }],
        ];
        for (const [name, at] of interventions) {
          using logits = (await neox.run(rows, { at, logits: true })).logits!;
          expectClose(await logits.read(), values(model, "right", `${name}.logits`), tolerance);
          expectClose([(await neox.loss(rows, { at })).loss], [model.info[`right.${name}.loss`]], { absolute: 1e-5 });
        }
      });

      test("sites replaced by copies of themselves change nothing, each by zeros something", async () => {
        using neox = openOn(device!, model);
        const rows = paddedRows(model, "left");
        using plain = (await neox.run(rows, { logits: "last" })).logits!;
        const expected = await plain.read();
        using same = (await neox.run(rows, { logits: "last", at: Object.fromEntries(sites.map((site) => [site, copyOf])) })).logits!;
        expect(await same.read()).toEqual(expected);
        for (const site of device!.kind === "cpu" ? sites : ["layers.1.attn_z"]) {
          using other = (await neox.run(rows, { logits: "last", at: { [site]: (x) => device!.zeros(x.shape) } })).logits!;
          expect(await other.read(), site).not.toEqual(expected);
        }
      });

      test("sites that transformers does not show are what stands before and after them", async () => {
        using neox = openOn(device!, model);
        const { config, weights } = model;
        const seen = await observe((at) => neox.run(paddedRows(model, "right"), { at }), sites);
        const weight = async (name: string) => Float64Array.from(await neoxFloats(weights, `gpt_neox.layers.1.${name}`));
        const D = config.width;
        const norm = async (x: Float32Array, name: string) => {
          const [w, b] = [await weight(`${name}.weight`), await weight(`${name}.bias`)];
          return x.map((v, i) => {
            const row = x.subarray(i - (i % D), i - (i % D) + D);
            const mean = row.reduce((sum, u) => sum + u, 0) / D;
            const variance = row.reduce((sum, u) => sum + (u - mean) ** 2, 0) / D;
            return ((v - mean) / Math.sqrt(variance + config.epsilon)) * w[i % D] + b[i % D];
          });
        };
        expectClose(seen["layers.1.attn_in"], await norm(seen["layers.1.resid_pre"], "input_layernorm"), tolerance);
        const before = config.parallelResidual ? seen["layers.1.resid_pre"] : seen["layers.1.resid_pre"].map((x, i) => x + seen["layers.1.attn_out"][i]);
        expectClose(seen["layers.1.mlp_in"], await norm(before, "post_attention_layernorm"), tolerance);

        const [w, b, z] = [await weight("attention.dense.weight"), await weight("attention.dense.bias"), seen["layers.1.attn_z"]];
        const out = z.map((_, i) => z.subarray(i - (i % D), i - (i % D) + D).reduce((sum, v, j) => sum + v * w[(i % D) * D + j], b[i % D]));
        expectClose(seen["layers.1.attn_out"], out, tolerance);
      });

      test("logits of the last tokens are those rows of all logits", async () => {
        using neox = openOn(device!, model);
        const rows = paddedRows(model, "right");
        const last = rows.start.slice(0, -1).map((from, r) => from + rows.attended![r] - 1);
        using all = (await neox.run(rows, { logits: true })).logits!;
        using some = (await neox.run(rows, { logits: "last" })).logits!;
        const [V, values] = [model.config.vocabulary, await all.read()];
        expect(some.shape).toEqual([last.length, V]);
        expectClose(await some.read(), [...last].flatMap((n) => [...values.subarray(n * V, (n + 1) * V)]), tolerance);
      });
    });

    test("a batch over the budget runs in parts of whole rows, with the same result", async () => {
      const [model] = models;
      const rows = paddedRows(model, "left"); // rows of 11, 7 and 4 tokens
      using whole = openOn(device!, model);
      using split = openOn(device!, model, { activationBytes: 4 * 128 * 11 }); // 11 tokens
      const parts: { firstRow: number; rows: PackedRows }[] = [];
      const at: HooksBySite = { embed: (_, { firstRow, rows }) => void parts.push({ firstRow, rows }) };
      using expected = (await whole.run(rows, { logits: true })).logits!;
      using logits = (await split.run(rows, { logits: true, at })).logits!;
      expectClose(await logits.read(), await expected.read(), tolerance);
      expect(parts.map(({ firstRow, rows }) => [firstRow, [...rows.start], rows.tokens.length])).toEqual([[0, [0, 11], 11], [1, [0, 7, 11], 11]]);
      expectClose([(await split.loss(rows)).loss], [model.info["left.loss"]], { absolute: 1e-5 });
      using last = (await split.run(rows, { logits: "last" })).logits!;
      expect(last.shape).toEqual([3, model.config.vocabulary]);
    });

    test("device memory stays flat over 50 runs, with hooks that make, replace and throw", async () => {
      const [model] = models;
      using neox = openOn(device!, model);
      using v = device!.zeros([model.config.width]);
      const rows = paddedRows(model, "right");
      const runs = [
        async () => (await neox.run(rows, { logits: true, at: { "layers.1.resid_post": (x) => add(add(x, v), v) } })).logits!.dispose(),
        () => neox.run(rows, { at: { "layers.0.mlp_out": (x) => void add(x, v) } }),
        () => neox.loss(rows, { at: { final_norm: (x) => x } }),
        () => neox.run(rows, { at: { "layers.1.attn_z": () => { throw new Error("mine"); } } }).catch(() => {}),
      ];
      for (const run of runs) await run();
      const [live, bytes] = [device!.scopes.live, device!.bytesInUse];
      for (let i = 0; i < 50; i++) await runs[i % runs.length]();
      expect([device!.scopes.live, device!.bytesInUse]).toEqual([live, bytes]);
    });

    test("weights outlive the scope that was open when they were read, and dispose frees them", async () => {
      const [model] = models;
      const [live, bytes] = [device!.scopes.live, device!.bytesInUse];
      const neox = openOn(device!, model);
      const rows = paddedRows(model, "left");
      const after: [number, number][] = [];
      for (let i = 0; i < 3; i++) {
        await device!.scope(async () => {
          const { logits } = await neox.run(rows, { logits: true });
          expectClose(await logits!.read(), values(model, "left", "logits"), tolerance);
        });
        after.push([device!.scopes.live, device!.bytesInUse]);
      }
      expect(after[0][1]).toBeGreaterThan(bytes); // the weights
      expect(after).toEqual([after[0], after[0], after[0]]);
      neox.dispose();
      expect([device!.scopes.live, device!.bytesInUse]).toEqual([live, bytes]);
    });

    test("a row's bytes on cpu are the same alone, in a batch and in another order", async () => {
      if (!device!.exact) return;
      const [model] = models;
      using neox = openOn(device!, model);
      const texts = [[5, 9, 2, 44, 7], [8], Array.from({ length: 60 }, (_, t) => (t * 37) % 300), [17, 4, 290]];
      const rowsOf = async (order: number[]) => {
        using logits = (await neox.run(packRows(order.map((r) => texts[r])), { logits: true })).logits!;
        const all = await logits.read();
        let at = 0;
        return order.map((r) => all.slice(at, (at += texts[r].length * model.config.vocabulary)));
      };
      const alone = await Promise.all(texts.map(async (_, r) => (await rowsOf([r]))[0]));
      for (const order of [[0, 1, 2, 3], [2, 0, 3, 1], [3, 2]]) expect(await rowsOf(order)).toEqual(order.map((r) => alone[r]));
    });

    test("runs at the same time don't disturb each other", async () => {
      const [model] = models;
      using neox = openOn(device!, model);
      const rows = paddedRows(model, "left");
      const all = await Promise.all([1, 2, 3].map(async () => (await neox.run(rows, { logits: true })).logits!));
      for (const logits of all) {
        expectClose(await logits.read(), values(model, "left", "logits"), tolerance);
        logits.dispose();
      }
    });
  });

function copyOf(x: Tensor): Tensor {
  const copy = x.device.zeros(x.shape);
  copyRowsInto(copy, x, { at: 0 });
  return copy;
}

async function neoxFloats(weights: { read(name: string): Promise<{ dtype: string; data: ArrayBufferView }> }, name: string): Promise<ArrayLike<number>> {
  const { dtype, data } = await weights.read(name);
  if (dtype === "f32") return data as Float32Array;
  return Array.from(data as Uint16Array, (h) => {
    const [sign, exponent, fraction] = [h & 0x8000 ? -1 : 1, (h >> 10) & 31, h & 1023];
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
  });
}
