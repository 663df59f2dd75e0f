import { createRequire } from "node:module";
import { CommandError, defineCommand, downloadProgress, progress, resolvePath, writeOutput } from "@dictlearn/command";
import { hubEnvironment, hubVariables, openHub } from "@dictlearn/hub";
import { engines, openDevice } from "@dictlearn/kernels/node";
import { type Provenance, type SentenceReport, type SweepRow } from "@dictlearn/report";
import { openModel, poolings, sweep, withoutHub } from "dictlearn";
import { z } from "zod";
import { alongside, type Beside } from "./besides.js";
import { chooseFiles } from "./chooseFiles.js";
import { defaultSite, openReadings } from "./openReadings.js";
import { perToken, tokenFormat } from "./perToken.js";
import { formats, render } from "./render.js";
import { expectNew, report } from "./report.js";
import { sentencesOf } from "./sentencesOf.js";

const flags = z.object({
  column: z.string().default("sentence").describe("the CSV column that holds the sentences"),
  model: z.string().optional().describe("a model's folder, its name on the Hugging Face Hub, or demo (default: EleutherAI/pythia-70m-deduped, or demo where nothing reaches the Hub)").meta({ placeholder: "NAME|DIR|demo" }),
  revision: z.string().optional().describe("branch, tag or commit of a model on the Hub").meta({ placeholder: "REV" }),
  dictionary: z.array(z.string()).optional().describe("a dictionary of dictionary_learning (ae.pt), SAELens or sparsify, its config beside it: a path, hf:OWNER/REPO[@REV]/PATH on the Hub (ARCHIVE.zip!/ENTRY in a zip), demo, or the folder of a run for all in it; SITE=… says where to read it, else its config does; may be repeated (default: dictionaries/pythia-70m-deduped/mlp_out_layer3/10_32768/ae.pt, here or on the Hub)").meta({ placeholder: "[SITE=]PATH|hf:…|demo" }),
  site: z.array(z.string()).optional().describe(`which activation to read, such as layers.3.mlp_out or blocks.3.hook_resid_post; may be repeated: one pass over the model for all (default: those that the dictionaries name, else ${defaultSite})`).meta({ placeholder: "SITE" }),
  sites: z.literal("all").optional().describe("all: every site that a dictionary is for; rows have their site even if it is a single one").meta({ placeholder: "all" }),
  pooling: z.enum(poolings).default("mean").describe("how a sentence's activations become one vector; padded-mean averages padding too, as the original did"),
  top: z.int().min(0).default(0).describe("also list the N strongest features of each sentence").meta({ placeholder: "N" }),
  format: z.enum(formats).default("table").describe("how to write the result; jsonl and csv are written row by row"),
  perToken: z.string().optional().describe("also write a row for each token, with its features, to a file ending in .parquet, .jsonl or .csv").meta({ placeholder: "FILE" }),
  report: z.string().optional().describe("also write a page of HTML to look at: sentences token by token in a dictionary's features, or several sites and dictionaries compared").meta({ placeholder: "FILE" }),
  force: z.boolean().default(false).describe("replace a report that is there"),
  out: z.string().optional().describe("write to a file, whole or not at all").meta({ placeholder: "FILE" }),
  device: z.enum(["auto", "webgpu", "cpu"]).default("auto").describe("auto: a GPU if there is one, else the CPU"),
  engine: z.enum(engines).default("auto").describe("what multiplies matrices on the CPU; native: onnxruntime-node, faster; wasm: the same bytes on every machine, and in whatever company a sentence is read; auto: native if it is installed"),
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
    "sparse-rep sentences.csv --report features.html",
    "sparse-rep sentences.csv --model demo --dictionary sae_results --sites all --report layers.html",
    "sparse-rep sentences.csv --per-token tokens.parquet",
  ],
  environment: hubVariables,
  async run(given, { positional, debug }) {
    let isOver = false;
    const note = (line: string) => void (given.quiet || isOver || process.stderr.write(`${line}\n`));
    process.chdir(resolvePath(".")); // paths are relative to where the person stands, not to where a package manager starts us
    const { pooling, top, format, quiet } = given;
    if (given.sites && given.site) throw new CommandError("USAGE", "--sites all: expected no --site beside it, got both", "leave one out");
    if (given.perToken !== undefined) tokenFormat(given.perToken);
    if (given.report !== undefined) expectNew(given.report, given.force);
    expectApart({ "--out": given.out, "--per-token": given.perToken, "--report": given.report });
    const sentences = await sentencesOf(positional.sentences, { column: given.column, note, quiet });

    const arriving = downloadProgress({ quiet });
    const environment = hubEnvironment(process.env);
    const hub = openHub({ ...environment, onProgress: arriving.onProgress, onNotice: note });
    const isDemo = given.dictionary?.some((name) => name === "demo" || name.endsWith("=demo"));
    const files = await chooseFiles({ model: given.model, dictionary: isDemo ? "demo" : given.dictionary?.[0] }, { hub, offline: environment.offline ?? false, note });
    const openingDevice = openDevice({ backend: given.device, threads: given.threads, engine: given.engine, onNotice: (line) => debug && note(line) });
    const alone = given.sites || (given.site?.length ?? 0) > 1 || (given.dictionary?.length ?? 0) > 1 ? undefined : (given.site?.[0] ?? defaultSite);
    const measures = (several: boolean) => given.report !== undefined || (several && format === "json"); // and decodes for it
    const opening = openModel(files.model, { device: openingDevice, site: alone, revision: given.revision, hub });
    const [device, model, readings] = await Promise.all([
      openingDevice,
      opening,
      openReadings({ dictionaries: given.dictionary ?? [files.dictionary], sites: given.sites ?? given.site }, { device: openingDevice, hub, model: opening, decodes: measures, note }),
    ]).catch((error) => {
      isOver = true; // the other of the two may go on trying
      return withoutHub("--model demo --dictionary demo needs no network")(error);
    });
    arriving.stop();
    if (debug) {
      note(`device: ${device.label}; every result is looked at for NaN and infinity`);
      device.watchFinite();
    }
    const places = given.sites || readings.length > 1 ? readings.map(({ site, name }) => ({ site, dictionary: name })) : undefined;

    const besides: Beside[] = [];
    try {
      const measured = measures(places !== undefined);
      const open = sentences.total === undefined && pooling === "padded-mean" ? await kept(sentences.open()) : sentences.open;
      const options = { pooling, top, measured, onNotice: note };
      const detailed = given.report !== undefined || given.perToken !== undefined ? sweep(model, readings, open, { ...options, details: true }) : undefined;
      const rows = detailed ?? sweep(model, readings, open, options);
      const summaries = () => rows.metrics().map((metrics, i) => ({ site: readings[i].site, dictionary: readings[i].name, D: readings[i].dictionary.D, F: readings[i].dictionary.F, metrics }));
      if (pooling === "mean") note("pooling: the mean over each sentence's own tokens; the original also averaged padding (--pooling padded-mean)");

      const onTerminal = given.out === undefined && process.stdout.isTTY;
      const run: Provenance = { model: given.revision ? `${files.model}@${given.revision}` : files.model, dictionary: readings[0].name, site: readings[0].site, pooling, device: device.label };
      if (given.perToken !== undefined) besides.push(await perToken(given.perToken, places));
      if (given.report !== undefined) besides.push(await report(given.report, { run, readings: summaries, compared: places !== undefined, note }));
      const counted = withProgress(detailed ? alongside(detailed, besides) : rows, { total: sentences.total, quiet: quiet || (onTerminal && (format === "jsonl" || format === "csv")) }); // those are their own progress
      await writeOutput(given.out, render(format, placed(counted, places), { run, ...(places && { readings: summaries }), width: onTerminal ? process.stdout.columns : undefined, note }));
      for (const file of besides) await file.commit();
    } finally {
      for (const file of besides) await file.discard();
      await model.dispose();
      device.dispose();
    }
  },
});

/** @throws CommandError USAGE where two results would go into one file */
function expectApart(files: Readonly<Record<string, string | undefined>>): void {
  const places = Object.entries(files).flatMap(([flag, file]) => (file === undefined || file === "-" ? [] : [{ flag, file, place: resolvePath(file) }]));
  const shared = places.find(({ place }, i) => places.some((other, j) => j < i && other.place === place));
  if (shared) throw new CommandError("USAGE", `${shared.flag}: expected a file of its own, got ${shared.file}, which another flag names too`, "give each result its file");
}

/** A pipe's sentences, for what reads them twice. */
async function kept(sentences: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const sentence of sentences) all.push(sentence);
  return all;
}

/** The rows of all readings one after another, each with its place where there are several. */
async function* placed(sentences: AsyncIterable<SentenceReport[]>, places: readonly { site: string; dictionary: string }[] | undefined): AsyncGenerator<SentenceReport | SweepRow, void> {
  for await (const rows of sentences) yield* places ? rows.map((row, i) => ({ ...places[i], ...row })) : rows;
}

async function* withProgress<R>(rows: AsyncIterable<R>, { total, quiet }: { total?: number; quiet: boolean }): AsyncGenerator<R, void> {
  using bar = progress({ label: "sparse-rep", unit: "sentences", total, quiet });
  let done = 0;
  for await (const row of rows) {
    bar.update(++done);
    yield row;
  }
}
