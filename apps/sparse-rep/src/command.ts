import { createRequire } from "node:module";
import { defineCommand, downloadProgress, progress, resolvePath, writeOutput } from "@dictlearn/command";
import { hubEnvironment, hubVariables, openHub } from "@dictlearn/hub";
import { engines, openDevice } from "@dictlearn/kernels/node";
import { analyse, openDictionary, openModel, poolings, withoutHub } from "dictlearn";
import { z } from "zod";
import { chooseFiles } from "./chooseFiles.js";
import { formats, render } from "./render.js";
import { readSentences } from "./readSentences.js";

const flags = z.object({
  column: z.string().default("sentence").describe("the CSV column that holds the sentences"),
  model: z.string().optional().describe("a model's folder, its name on the Hugging Face Hub, or demo (default: EleutherAI/pythia-70m-deduped, or demo where nothing reaches the Hub)").meta({ placeholder: "NAME|DIR|demo" }),
  revision: z.string().optional().describe("branch, tag or commit of a model on the Hub").meta({ placeholder: "REV" }),
  dictionary: z.string().optional().describe("a dictionary of dictionary_learning (ae.pt), SAELens or sparsify, its config beside it: a path, hf:OWNER/REPO[@REV]/PATH on the Hub (ARCHIVE.zip!/ENTRY in a zip), or demo (default: dictionaries/pythia-70m-deduped/mlp_out_layer3/10_32768/ae.pt, here or on the Hub)").meta({ placeholder: "PATH|hf:…|demo" }),
  site: z.string().default("layers.3.mlp_out").describe("which activation to read, such as layers.3.mlp_out or blocks.3.hook_resid_post"),
  pooling: z.enum(poolings).default("mean").describe("how a sentence's activations become one vector; padded-mean averages padding too, as the original did"),
  top: z.int().min(0).default(0).describe("also list the N strongest features of each sentence").meta({ placeholder: "N" }),
  format: z.enum(formats).default("table").describe("how to write the result; jsonl and csv are written row by row"),
  out: z.string().optional().describe("write to a file, whole or not at all").meta({ placeholder: "FILE" }),
  device: z.enum(["auto", "webgpu", "cpu"]).default("auto").describe("auto: a GPU if there is one, else the CPU"),
  engine: z.enum(engines).default("wasm").describe("what multiplies matrices on the CPU; wasm: a sentence's row does not depend on the others; native: onnxruntime-node, faster for many sentences; auto: native if it is installed"),
  threads: z.int().min(1).max(256).optional().describe("CPU threads (default: as many as the machine has)").meta({ placeholder: "N" }),
  quiet: z.boolean().default(false).describe("no notes on stderr"),
});

export const command = defineCommand({
  name: "sparse-rep",
  version: createRequire(import.meta.url)("../package.json").version as string,
  summary: "Sentences as sparse features: what a dictionary finds in a language model's activations, as a table",
  positional: z.object({ sentences: z.string().optional().describe("CSV of sentences (default sentences.csv where you stand, else the bundled one)") }),
  flags,
  examples: [
    "sparse-rep",
    "sparse-rep sentences.csv --top 5 --format csv --out features.csv",
    "sparse-rep sentences.csv --model EleutherAI/pythia-70m-deduped --dictionary hf:saprmarks/pythia-70m-deduped-saes/dictionaries_pythia-70m-deduped_10.zip!/mlp_out_layer3/10_32768/ae.pt",
    "sparse-rep sentences.csv --model ./pythia-70m-deduped --dictionary ./10_32768/ae.pt --site mlp_out_layer3",
  ],
  environment: hubVariables,
  async run(given, { positional, debug }) {
    let isOver = false;
    const note = (line: string) => void (given.quiet || isOver || process.stderr.write(`${line}\n`));
    process.chdir(resolvePath(".")); // paths are relative to where the person stands, not to where a package manager starts us
    const sentences = await readSentences(positional.sentences, given.column, note);

    const arriving = downloadProgress({ quiet: given.quiet });
    const environment = hubEnvironment(process.env);
    const hub = openHub({ ...environment, onProgress: arriving.onProgress, onNotice: note });
    const files = await chooseFiles(given, { hub, offline: environment.offline ?? false, note });
    const device = await openDevice({ backend: given.device, threads: given.threads, engine: given.engine, onNotice: (line) => debug && note(line) });
    if (debug) note(`device: ${device.label}`);
    const [model, dictionary] = await Promise.all([
      openModel(files.model, { device, site: given.site, revision: given.revision, hub }),
      openDictionary(files.dictionary, { device, hub }),
    ]).catch((error) => {
      isOver = true; // the other of the two may go on trying
      return withoutHub("--model demo --dictionary demo needs no network")(error);
    });
    arriving.stop();
    const site = model.site(given.site);
    const { pooling, top, format } = given;
    const rows = analyse(model, dictionary, sentences, { site, pooling, top, onNotice: note });
    if (pooling === "mean") note("pooling: the mean over each sentence's own tokens; the original also averaged padding (--pooling padded-mean)");

    const onTerminal = given.out === undefined && process.stdout.isTTY;
    const run = { ...files, ...(given.revision && { model: `${files.model}@${given.revision}` }), site, pooling, device: device.label };
    const counted = withProgress(rows, { total: sentences.length, quiet: given.quiet || (onTerminal && (format === "jsonl" || format === "csv")) }); // those are their own progress
    try {
      await writeOutput(given.out, render(format, counted, { run, width: onTerminal ? process.stdout.columns : undefined }));
    } finally {
      await model.dispose();
      device.dispose();
    }
  },
});

async function* withProgress<R>(rows: AsyncIterable<R>, { total, quiet }: { total: number; quiet: boolean }): AsyncGenerator<R, void> {
  using bar = progress({ label: "sparse-rep", unit: "sentences", total, quiet });
  let done = 0;
  for await (const row of rows) {
    bar.update(++done);
    yield row;
  }
}
