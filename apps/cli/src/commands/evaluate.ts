import { defineCommand, progress, underHeading, writeOutput } from "@dictlearn/command";
import { hubVariables } from "@dictlearn/hub";
import { engines, openDevice } from "@dictlearn/kernels/node";
import { chooseNames, evaluateEach, evaluationBatch, openModel, openTexts, textsOfTokens, withoutHub } from "dictlearn";
import { z } from "zod";
import { begin, version } from "../begin.js";
import { comparison, measures } from "../evaluationTable.js";
import { openEvaluands } from "../openEvaluands.js";

const usually = "(default: %, or demo where nothing reaches the Hub)";

export const command = defineCommand({
  name: "evaluate",
  version,
  summary: "How well dictionaries describe a model's activations, and how much of its loss they keep: dictionary_learning's measures, several dictionaries in one pass",
  flags: z.object({
    ...underHeading("Dictionaries", {
      dictionary: z.array(z.string()).optional().describe("a dictionary of dictionary_learning, SAELens or sparsify, its config beside it: a path, hf:OWNER/REPO[@REV]/PATH on the Hub (ARCHIVE.zip!/ENTRY in a zip), or demo; repeat it to compare several (default: pythia-70m-deduped/mlp_out_layer3/10_32768 on the Hub)").meta({ placeholder: "PATH|hf:…|demo" }),
      site: z.string().optional().describe("which activation they are of, such as layers.3.mlp_out (default: what each one's config says, else layers.3.mlp_out)").meta({ placeholder: "SITE" }),
    }),
    ...underHeading("Model and texts", {
      model: z.string().optional().describe(`a model's folder, its name on the Hugging Face Hub, or demo ${usually.replace("%", "EleutherAI/pythia-70m-deduped")}`).meta({ placeholder: "NAME|DIR|demo" }),
      revision: z.string().optional().describe("branch, tag or commit of a model on the Hub").meta({ placeholder: "REV" }),
      datasetName: z.string().optional().describe(`texts: a file, a folder, a glob, a data set on the Hub, or demo ${usually.replace("%", "monology/pile-uncopyrighted")}`).meta({ placeholder: "NAME|PATH|demo" }),
      dataRevision: z.string().optional().describe("branch, tag or commit of a data set on the Hub").meta({ placeholder: "REV" }),
      dataConfig: z.string().optional().describe("configuration of a data set that has several").meta({ placeholder: "NAME" }),
      split: z.string().optional().describe("the data set's split (default: train)").meta({ placeholder: "NAME" }),
      textColumn: z.string().default("text").describe("the data set's column of texts").meta({ placeholder: "NAME" }),
      tokens: z.int().min(2).default(100_000).describe("measure on the first texts that have so many tokens together").meta({ placeholder: "N" }),
      contextLength: z.int().min(2).default(128).describe("tokens of a text that are read").meta({ placeholder: "N" }),
    }),
    ...underHeading("Result", {
      format: z.enum(["table", "json"]).default("table").describe("table: what is most asked; json: every measure, and feature densities"),
      out: z.string().optional().describe("write to a file, whole or not at all").meta({ placeholder: "FILE" }),
      quiet: z.boolean().default(false).describe("no notes on stderr"),
    }),
    ...underHeading("Where to compute", {
      device: z.enum(["auto", "webgpu", "cpu"]).default("auto").describe("auto: a GPU if there is one, else the CPU"),
      engine: z.enum(engines).default("auto").describe("what multiplies matrices on the CPU; auto: onnxruntime-node (native) if it is installed, else WebAssembly, which gives the same digits on every machine"),
      threads: z.int().min(1).max(256).optional().describe("CPU threads (default: as many as the machine has)").meta({ placeholder: "N" }),
    }),
  }),
  examples: [
    "evaluate --model demo --dictionary demo --tokens 20000",
    "evaluate --dictionary sae_results/resid_post_layer_3/trainer_0 --dictionary sae_results/resid_post_layer_3/trainer_1 --tokens 200000",
    "evaluate --dataset-name texts.jsonl --format json --out evaluation.json",
  ],
  environment: hubVariables,
  async run(given, { debug }) {
    using here = begin(given);
    const { note, hub } = here;
    const [first, ...others] = given.dictionary ?? [];
    const { names, unreachable } = await chooseNames({ model: given.model, dictionary: first, texts: given.datasetName }, here);
    if (unreachable !== undefined) note(`model, dictionary and texts: the Hugging Face Hub is out of reach (${unreachable}), so this is the bundled demo (--model, --dictionary and --dataset-name name others)`);
    const orDemo = withoutHub("--model demo --dictionary demo --dataset-name demo needs no network");

    const device = await openDevice({ backend: given.device, threads: given.threads, engine: given.engine, onNotice: (line) => debug && note(line) });
    if (debug) note(`device: ${device.label}`);
    await using model = await openModel(names.model, { device, revision: given.revision, hub }).catch(orDemo);
    using opened = await openEvaluands([names.dictionary, ...others], { model, site: given.site, hub }).catch(orDemo);
    const { evaluands } = opened;

    const { tokens, dataRevision: revision, dataConfig: config, split, textColumn: column } = given;
    const contextLength = Math.min(given.contextLength, model.contextLength);
    using bar = progress({ label: "evaluate", unit: "tokens", total: tokens, quiet: given.quiet });
    let read = 0;
    const texts = (async function* () {
      for await (const text of textsOfTokens(model, openTexts(names.texts, { hub, revision, config, split, column }), { tokens, contextLength })) yield (read++, text);
    })();
    const metrics = await evaluateEach(model, evaluands, texts, { contextLength, batchSize: evaluationBatch(contextLength), batches: Infinity, onTokens: (done) => bar.update(Math.min(done, tokens)) }).catch(orDemo);
    bar.stop();

    const measured = metrics[0].feature_density.tokens;
    if (measured < tokens) note(`texts: ended after ${measured.toLocaleString("en")} of ${tokens.toLocaleString("en")} tokens`);
    const rows = evaluands.map(({ name, site, dictionary: { kind, F } }, i) => ({ dictionary: name, class: kind, site, features: F, ...metrics[i] }));
    const run = { model: given.revision ? `${names.model}@${given.revision}` : names.model, texts: names.texts, n_texts: read, n_tokens: measured, context_length: contextLength, device: device.label };
    if (given.format === "json") return writeOutput(given.out, `${JSON.stringify({ ...run, dictionaries: rows }, null, 2)}\n`);
    note(`evaluate: ${run.model} on ${read.toLocaleString("en")} text${read === 1 ? "" : "s"} of ${run.texts}, ${measured.toLocaleString("en")} tokens; its own loss is ${rows[0].loss_original.toFixed(4)} nats a token`);
    await writeOutput(given.out, rows.length === 1 ? measures(rows[0]) : comparison(rows));
  },
});
