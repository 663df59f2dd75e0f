import { underHeading } from "@dictlearn/command";
import { engines } from "@dictlearn/kernels/node";
import { optionName } from "@dictlearn/sae";
import { metricsLogNames, rowKinds } from "dictlearn";
import { z } from "zod";
import { descriptions, paramsSchema, type ParamName } from "./params.js";
import { allOptions, trainerNames, trainersWith } from "./trainers.js";

const described = descriptions();
const whole = z.int().min(1).optional();

/** `context_length` of params.json as `--context-length`. */
const param = (name: ParamName) => ({ [optionName(name)]: paramsSchema.shape[name].optional().describe(described[name]).meta({ placeholder: placeholderOf(name) }) });
/** `topk, batch-topk, matryoshka` */
const whose = (option: string): string => (trainersWith(option).length === trainerNames.length ? "any" : trainersWith(option).join(", "));
const options = Object.fromEntries(allOptions.map((name) => [optionName(name), z.string().optional().describe(whose(name)).meta({ placeholder: "VALUE" })]));
/** What flags are called that come from params.json and the trainers is computed: they are read by name. The others keep their types. */
export const flags = z.object({
  ...underHeading("Model and texts", {
    ...param("model_name"),
    revision: z.string().optional().describe("branch, tag or commit of a model on the Hub (default: main)").meta({ placeholder: "REV" }),
    ...param("dataset_name"),
    dataRevision: z.string().optional().describe("branch, tag or commit of a data set on the Hub (default: main); refs/convert/parquet is the Hub's own copy as Parquet").meta({ placeholder: "REV" }),
    dataConfig: z.string().optional().describe("configuration of a data set that has several").meta({ placeholder: "NAME" }),
    split: z.string().optional().describe("the data set's split (default: train)").meta({ placeholder: "NAME" }),
    textColumn: z.string().optional().describe("the data set's column of texts (default: text)").meta({ placeholder: "NAME" }),
    cacheData: z.boolean().optional().describe("keep the data set's files on disk, whole, as they are read; else texts are streamed and forgotten"),
  }),
  ...underHeading("Activations", {
    ...param("layer"),
    site: z.array(z.string()).optional().describe("activation to train on, such as layers.3.mlp_out; repeat it for several (default: layers.<layer>.resid_post)").meta({ placeholder: "SITE" }),
    ...param("context_length"),
    rows: z.enum(rowKinds).optional().describe("document: a text a row, cut at the context length; packed: texts end to end, every token used (default: document)"),
    skipFirst: z.int().min(0).optional().describe("leave out the first N positions of each row (default: 0)").meta({ placeholder: "N" }),
    normalize: z.boolean().optional().describe("train on activations of mean square norm 1; the factor is folded into what is saved"),
    bufferTokens: whole.describe("tokens that batches are drawn from (default: 20 batches)").meta({ placeholder: "N" }),
    ...param("llm_batch_size"),
    activations: z.string().optional().describe("keep the activations in a folder and train from there: what it has not yet is written first; a later run on the same model, site and texts only reads").meta({ placeholder: "DIR" }),
    activationsDtype: z.enum(["f32", "f16"]).optional().describe("numbers in --activations: f16 takes half the room and keeps 11 bits (default: f32)"),
  }),
  ...underHeading("Training", {
    trainer: z.array(z.string()).optional().describe(`what to train: ${trainerNames.join(", ")}; with options of dictionary_learning's constructor, topk:k=32,lr=1e-4; repeat it to train several on one pass (default: standard)`).meta({ placeholder: "NAME[:KEY=VALUE,…]" }),
    features: whole.describe("features of the dictionary").meta({ placeholder: "F" }),
    expansion: z.number().positive().optional().describe("features, as a multiple of the model's width (default: 8)").meta({ placeholder: "N" }),
    ...param("num_tokens"),
    ...param("sae_batch_size"),
    ...param("random_seed"),
  }),
  ...underHeading("The run", {
    ...param("save_dir"),
    logTo: z.array(z.enum(metricsLogNames)).optional().describe("where the log goes: jsonl, which is always written (metrics.jsonl), csv (metrics.csv), tensorboard (event files in each trainer's folder); repeat it for several").meta({ placeholder: "name" }),
    logEvery: whole.describe("steps between lines of the log (default: a tenth of the run)").meta({ placeholder: "N" }),
    saveEvery: whole.describe("steps between checkpoints (default: a tenth of the run)").meta({ placeholder: "N" }),
    evalTokens: z.int().min(0).optional().describe("at the end, evaluate on N tokens of text that training did not see (default: 0)").meta({ placeholder: "N" }),
    resume: z.string().optional().describe("go on with the run in a folder, with its own parameters").meta({ placeholder: "DIR" }),
    allowInexact: z.boolean().default(false).describe("with --resume: another engine than the run was started on may go on with it"),
    params: z.string().optional().describe("parameters in a file, as params.json has them; flags come before it").meta({ placeholder: "FILE" }),
    quiet: z.boolean().default(false).describe("no notes on stderr"),
  }),
  ...underHeading("Where to compute", {
    ...param("device"),
    engine: z.enum(engines).optional().describe("what multiplies matrices on the CPU; auto: onnxruntime-node (native) if it is installed, else WebAssembly, which gives the same bytes on every machine"),
    threads: z.int().min(1).max(256).optional().describe("CPU threads (default: as many as the machine has)").meta({ placeholder: "N" }),
  }),
  ...underHeading("Options of a single --trainer, with the trainers that have them", options),
});
export type Given = z.output<typeof flags>;

function placeholderOf(name: string): string {
  if (name === "save_dir") return "DIR";
  if (name === "device") return "name";
  return name.endsWith("_name") ? "NAME|DIR|demo" : "N";
}
