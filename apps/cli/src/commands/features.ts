import { CommandError, count, defineCommand, shownPath, sizeOf, underHeading } from "@dictlearn/command";
import { hubEnvironment, hubVariables, openHub } from "@dictlearn/hub";
import { engines, openDevice } from "@dictlearn/kernels/node";
import { chooseNames, type Cursor, FeatureFolder, FeaturePass, openDictionary, openModel, openTexts, withoutHub } from "dictlearn";
import { z } from "zod";
import { begin, version, type Beginning } from "../begin.js";
import { performFeatures } from "./performFeatures.js";
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
    const goingOn = given.resume === undefined ? undefined : new FeatureFolder(given.resume);
    goingOn?.expectState();
    await using _resumed = await goingOn?.lock({ note });
    const saved = await goingOn?.readState();
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
    try {
      const settings: FeaturesSettings & { ablate: number } = { ...chosen, site: model.site(chosen.site), ablate: chosen.ablate ?? (dictionary.F <= ablatedByDefault && !dictionary.output ? 1 : 0) };
      const { site } = settings;
      const through = openHub({ ...hubEnvironment(process.env), onNotice: note }); // texts stream beside the pass, which has a progress of its own
      const texts = (cursor?: Cursor) => openTexts(settings.datasetName, { hub: through, column: settings.textColumn, split: settings.split, config: settings.dataConfig, revision: settings.dataRevision, cursor });
      const pass = new FeaturePass(model, dictionary, texts, settings, saved?.state);
      arriving.stop();

      const format = before?.format ?? given.format ?? "site";
      const folder = goingOn ?? new FeatureFolder(given.out ?? (settings.datasetName === "demo" ? "features_demo" : `features_${site}`));
      const about: Recorded = { settings, format, engine: device.engine, device: device.kind };
      if (!saved) {
        const first = texts();
        await first.next().catch(orDemo); // whether there are texts is told before anything is written
        await first.return();
      }
      await using _begun = saved ? undefined : await folder.lock({ note });
      if (!saved) await folder.begin({ force: given.force });
      const { signal } = invocation; // from here on Ctrl-C saves
      note(`features: ${count(dictionary.F)} of ${settings.dictionary} at ${site} of ${settings.model}, over ${count(settings.tokens)} tokens of ${settings.datasetName}; what is kept of them takes ${sizeOf(Math.max(1e6, FeaturePass.bytes(dictionary.F, settings)))} at the most`);

      const written = await performFeatures(pass, { model, dictionary, settings, format, folder, about: { ...about }, saveEvery: given.saveEvery, isResumed: saved !== undefined, signal, note, quiet: given.quiet });
      process.stdout.write(`${written.map(shownPath).join("\n")}\n`);
      const { counts, tokens } = pass.statistics;
      note(`features: ${count(counts.reduce((sum, n) => sum + (n > 0 ? 1 : 0), 0))} of ${count(dictionary.F)} were active on ${count(tokens)} tokens${format === "json" ? "" : `; open ${shownPath(written[0])} in a browser`}`);
    } finally {
      await model.dispose();
      dictionary.dispose();
      device.dispose();
    }
  },
});

/** What was asked for, and what is meant where nothing is; where the demo stands in, a line says so. */
async function chosenOf(asked: ReturnType<typeof givenOf>, here: Beginning): Promise<FeaturesSettings> {
  const { names, unreachable } = await chooseNames({ model: asked.model, dictionary: asked.dictionary, texts: asked.datasetName }, here);
  if (unreachable !== undefined) here.note(`model, dictionary and texts: the Hugging Face Hub is out of reach (${unreachable}), so this is the bundled demo (--model, --dictionary and --dataset-name name others)`);
  return { ...usually, ...asked, model: names.model, dictionary: names.dictionary, datasetName: names.texts };
}
