import { join, relative } from "node:path";
import { CommandError, defineCommand, progress, underHeading } from "@dictlearn/command";
import { hubEnvironment, hubVariables, openHub } from "@dictlearn/hub";
import { engines, openDevice } from "@dictlearn/kernels/node";
import { type FeatureSet } from "@dictlearn/report";
import { chooseNames, type Cursor, decoderFacts, DictlearnError, featureDetails, FeatureFolder, FeaturePass, openDictionary, openModel, openTexts, withoutHub } from "dictlearn";
import { z } from "zod";
import { begin, version, type Beginning } from "../begin.js";
import { ablatedByDefault, expectNoSettings, type FeaturesSettings, givenOf, settingFlags, usually } from "./featuresSettings.js";

const flags = z.object({
  ...settingFlags,
  ...underHeading("Result", {
    out: z.string().optional().describe("the folder to write to, new or empty (default: features_ and the site, features_demo for the demo)").meta({ placeholder: "DIR" }),
    format: z.enum(["site", "json", "both"]).optional().describe("site: index.html and its data, for a browser; json: features.jsonl, a feature a line in Neuronpedia's fields (default: site)"),
    force: z.boolean().default(false).describe("write over what an earlier run left in the folder"),
    resume: z.string().optional().describe("go on with a run that was stopped, in its folder, with its own settings").meta({ placeholder: "DIR" }),
    saveEvery: z.number().min(0).default(60).describe("seconds between states that are saved, from which --resume goes on").meta({ placeholder: "N" }),
    quiet: z.boolean().default(false).describe("no notes on stderr"),
  }),
  ...underHeading("Where to compute", {
    device: z.enum(["auto", "webgpu", "cpu"]).optional().describe("auto: a GPU if there is one, else the CPU (default: auto)"),
    engine: z.enum(engines).optional().describe("what multiplies matrices on the CPU; auto: onnxruntime-node (native) if it is installed, else WebAssembly, which gives the same bytes on every machine"),
    threads: z.int().min(1).max(256).optional().describe("CPU threads (default: as many as the machine has)").meta({ placeholder: "N" }),
  }),
});

/** What is recorded with a state. */
interface Recorded {
  settings: FeaturesSettings;
  format: "site" | "json" | "both";
  engine: string;
  device: "cpu" | "webgpu";
}

export const command = defineCommand({
  name: "features",
  version,
  summary: "Every feature of a dictionary over a corpus: how often it is active, where most, what it promotes and what is near; as a site to browse, or JSON",
  flags,
  examples: [
    "features --model demo --dictionary demo --dataset-name demo --tokens 100000 --out features_demo",
    "features --dictionary sae_results/resid_post_layer_3/trainer_0 --site layers.3.resid_post --tokens 2000000",
    "features --dataset-name 'texts/*.jsonl' --examples 20 --ablate 2 --format both --out features",
    "features --resume features_demo",
  ],
  environment: hubVariables,
  async run(given, invocation) {
    using here = begin(given);
    const { note, hub, arriving } = here;
    const asked = givenOf(given);
    if (given.resume !== undefined) {
      expectNoSettings(asked, given.resume);
      for (const name of ["out", "format", "force"] as const)
        if (given[name]) throw new CommandError("USAGE", `--${name}: expected either --${name} or --resume, got both`, "a run that goes on writes where it did");
    }
    const saved = given.resume === undefined ? undefined : await new FeatureFolder(given.resume).readState();
    const before = saved?.about as unknown as Recorded | undefined;

    const orDemo = withoutHub("--model demo --dictionary demo --dataset-name demo needs no network");
    const chosen = before?.settings ?? (await chosenOf(asked, here));
    const device = await openDevice({ backend: given.device ?? before?.device ?? "auto", threads: given.threads, engine: given.engine ?? (before?.engine === "wasm" ? "wasm" : "auto"), onNotice: (line) => invocation.debug && note(line) });
    if (invocation.debug) note(`device: ${device.label}`);
    if (before && before.engine !== device.engine) throw new CommandError("USAGE", `${given.resume}: expected the run's own engine, ${before.engine}, got ${device.engine}`, "go on with it where it ran, or start another with --out");

    const [model, dictionary] = await Promise.all([
      openModel(chosen.model, { device, site: chosen.site, revision: chosen.revision, hub }),
      openDictionary(chosen.dictionary, { device, hub }),
    ]).catch(orDemo);
    const settings: FeaturesSettings & { ablate: number } = { ...chosen, site: model.site(chosen.site), ablate: chosen.ablate ?? (dictionary.F <= ablatedByDefault && !dictionary.output ? 1 : 0) };
    const { site } = settings;
    const through = openHub({ ...hubEnvironment(process.env), onNotice: note }); // texts stream beside the pass, which has a progress of its own
    const texts = (cursor?: Cursor) => openTexts(settings.datasetName, { hub: through, column: settings.textColumn, split: settings.split, config: settings.dataConfig, revision: settings.dataRevision, cursor });
    const pass = new FeaturePass(model, dictionary, texts, settings, saved?.state);
    arriving.stop();

    const format = before?.format ?? given.format ?? "site";
    const folder = new FeatureFolder(given.resume ?? given.out ?? (settings.datasetName === "demo" ? "features_demo" : `features_${site}`));
    const about: Recorded = { settings, format, engine: device.engine, device: device.kind };
    if (!saved) {
      const first = texts();
      await first.next().catch(orDemo); // whether there are texts is told before anything is written
      await first.return();
      await folder.begin({ force: given.force });
    }
    const { signal } = invocation; // from here on Ctrl-C saves
    note(`features: ${count(dictionary.F)} of ${settings.dictionary} at ${site} of ${settings.model}, over ${count(settings.tokens)} tokens of ${settings.datasetName}; what is kept of them takes ${sizeOf(FeaturePass.bytes(dictionary.F, settings))} at the most`);

    const save = () => folder.writeState(pass.state(), { ...about });
    let savedAt = performance.now();
    /** Between two turns: what ends the process here loses what came after the last state. */
    const pause = async (bar: { stop(): void }, where: () => string) => {
      if (!signal.aborted && performance.now() - savedAt < given.saveEvery * 1000) return;
      await save();
      savedAt = performance.now();
      if (!signal.aborted) return;
      bar.stop();
      note(`features: stopped ${where()}; --resume ${shown(folder.path)} goes on there`);
      throw signal.reason;
    };

    if (!saved) await save(); // whoever is killed before the next state can go on too
    const started = { tokens: pass.tokens, at: performance.now() };
    {
      using bar = progress({ label: "read", unit: "tokens", total: settings.tokens, from: pass.tokens, quiet: given.quiet });
      for (let more = true; more; ) {
        more = await pass.readSome();
        bar.update(Math.min(pass.tokens, settings.tokens));
        await pause(bar, () => `after ${count(pass.tokens)} of ${count(settings.tokens)} tokens`);
      }
    }
    const { statistics } = pass;
    if (statistics.tokens === 0) {
      await folder.removeState();
      throw new DictlearnError("USAGE", `texts: expected tokens to look at features on, got none in ${settings.datasetName}${settings.skipFirst > 0 ? ` behind the first ${settings.skipFirst} of each row` : ""}`, "give other texts, or a smaller --skip-first");
    }
    if (pass.tokens < settings.tokens) note(`texts: ended after ${count(pass.tokens)} of ${count(settings.tokens)} tokens${settings.rows === "document" ? " (--rows packed takes more from a text than its first row)" : ""}`);

    const { done, of, tokens: ahead } = pass.ablated;
    if (of > done) {
      const rate = (pass.tokens - started.tokens) / ((performance.now() - started.at) / 1000);
      note(`ablation: ${count(of - done)} examples of ${count(ahead)} tokens${rate > 0 ? `, some ${duration((2.5 * ahead) / rate)} by the pace so far` : ""} (--ablate 0 leaves it out)`);
      using bar = progress({ label: "ablate", unit: "examples", total: of, from: done, quiet: given.quiet });
      for (let more = true; more; ) {
        more = await pass.ablateSome();
        bar.update(pass.ablated.done);
        await pause(bar, () => `after ${count(pass.ablated.done)} of ${count(of)} ablations`);
      }
    }

    let facts;
    {
      using bar = progress({ label: "decoder", unit: "rows", quiet: given.quiet });
      facts = await decoderFacts(model, dictionary, { site, tokens: settings.topTokens, nearest: settings.nearest, onRows: (done, total) => bar.update(done, undefined, { total }) });
    }
    await pause({ stop: () => {} }, () => "before anything was written");

    const { F, D } = dictionary;
    const set: FeatureSet = { model: settings.revision ? `${settings.model}@${settings.revision}` : settings.model, dictionary: settings.dictionary, site, texts: settings.datasetName, F, D, tokens: statistics.tokens, rows: statistics.rows, contextLength: settings.contextLength, skipFirst: settings.skipFirst, lens: facts.lens };
    const ready = facts;
    const content = { set, counts: statistics.counts, details: (range: { start: number; end: number }) => featureDetails(pass, ready, range), tokenizer: model.tokenizer, vocabulary: model.neox.config.vocabulary };
    const written: string[] = [];
    {
      using bar = progress({ label: "write", unit: "features", total: F * (format === "both" ? 2 : 1), quiet: given.quiet });
      if (format !== "json") written.push(await folder.writeSite(content, (features) => bar.update(features)));
      if (format !== "site") written.push(await folder.writeJson(content, (features) => bar.update(features + (format === "both" ? F : 0))));
    }
    await folder.removeState();
    const dead = statistics.counts.reduce((sum, n) => sum + (n === 0 ? 1 : 0), 0);
    process.stdout.write(`${written.map(shown).join("\n")}\n`);
    note(`features: ${count(F - dead)} of ${count(F)} were active on ${count(statistics.tokens)} tokens${format === "json" ? "" : `; open ${shown(join(folder.path, "index.html"))} in a browser`}`);
    await model.dispose();
    device.dispose();
  },
});

/** What was asked for, and what is meant where nothing is; where the demo stands in, a line says so. */
async function chosenOf(asked: ReturnType<typeof givenOf>, here: Beginning): Promise<FeaturesSettings> {
  const { names, unreachable } = await chooseNames({ model: asked.model, dictionary: asked.dictionary, texts: asked.datasetName }, here);
  if (unreachable !== undefined) here.note(`model, dictionary and texts: the Hugging Face Hub is out of reach (${unreachable}), so this is the bundled demo (--model, --dictionary and --dataset-name name others)`);
  return { ...usually, ...asked, model: names.model, dictionary: names.dictionary, datasetName: names.texts };
}

const count = (n: number): string => n.toLocaleString("en");

/** A path as a person would write it where they stand. */
function shown(path: string): string {
  const near = relative("", path);
  return near.startsWith("..") ? path : near || ".";
}

/** 20.5 GB, 12 MB */
const sizeOf = (bytes: number): string => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.max(1, Math.round(bytes / 1e6)).toLocaleString("en")} MB`);

const duration = (seconds: number): string => (seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`);
