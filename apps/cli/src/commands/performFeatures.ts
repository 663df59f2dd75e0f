import { count, progress, shownPath } from "@dictlearn/command";
import { type FeatureSet } from "@dictlearn/report";
import { type Dictionary } from "@dictlearn/sae";
import { decoderFacts, DictlearnError, featureDetails, type FeatureFolder, type FeaturePass, type Model } from "dictlearn";
import { type FeaturesSettings } from "./featuresSettings.js";

export interface PerformOptions {
  model: Model;
  dictionary: Dictionary;
  settings: FeaturesSettings;
  format: "site" | "json" | "both";
  folder: FeatureFolder;
  /** What is recorded with every state. */
  about: Readonly<Record<string, unknown>>;
  /** Seconds between states. */
  saveEvery: number;
  isResumed: boolean;
  signal: AbortSignal;
  note: (line: string) => void;
  quiet: boolean;
}

/**
 * Takes a pass to its end and writes what came of it. At Ctrl-C it is saved, a line says how to go on, and the signal's
 * reason is thrown.
 * @returns what was written
 */
export async function performFeatures(pass: FeaturePass, options: PerformOptions): Promise<string[]> {
  const { folder, about, saveEvery, isResumed, signal, note } = options;
  let savedAt = performance.now();
  const save = async () => {
    await folder.writeState(pass.state(), about);
    savedAt = performance.now();
  };
  /** Between two turns: what ends the process here loses what came after the last state. */
  const turn = async () => {
    signal.throwIfAborted();
    if (performance.now() - savedAt >= 1000 * saveEvery) await save();
  };
  let where = () => "at the beginning";
  try {
    if (!isResumed) await save(); // whoever is killed before the next state can go on too
    const started = { tokens: pass.tokens, at: performance.now() };
    where = () => `after ${count(pass.tokens)} of ${count(options.settings.tokens)} tokens`;
    await read(pass, options, turn);
    const rate = (pass.tokens - started.tokens) / ((performance.now() - started.at) / 1000);
    where = () => `after ${count(pass.ablated.done)} of ${count(pass.ablated.of)} ablations`;
    await ablate(pass, options, turn, rate);
    where = () => "before all was written";
    return await write(pass, options);
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error;
    await save();
    note(`features: stopped ${where()}; --resume ${shownPath(folder.path)} goes on there`);
    throw error;
  } finally {
    await pass.close();
  }
}

async function read(pass: FeaturePass, { settings, folder, note, quiet }: PerformOptions, turn: () => Promise<void>): Promise<void> {
  {
    using bar = progress({ label: "read", unit: "tokens", total: settings.tokens, from: pass.tokens, quiet });
    for (let more = true; more; await turn()) {
      more = await pass.readSome();
      bar.update(Math.min(pass.tokens, settings.tokens));
    }
  }
  if (pass.statistics.tokens === 0) {
    await folder.removeState();
    throw new DictlearnError("USAGE", `texts: expected tokens to look at features on, got none in ${settings.datasetName}${settings.skipFirst > 0 ? ` behind the first ${settings.skipFirst} of each row` : ""}`, "give other texts, or a smaller --skip-first");
  }
  if (pass.tokens < settings.tokens) note(`texts: ended after ${count(pass.tokens)} of ${count(settings.tokens)} tokens${settings.rows === "document" ? " (--rows packed takes more from a text than its first row)" : ""}`);
}

/** @param rate tokens a second that were read, by which it is told how long this takes */
async function ablate(pass: FeaturePass, { note, quiet }: PerformOptions, turn: () => Promise<void>, rate: number): Promise<void> {
  const { done, of, tokens } = pass.ablated;
  if (of === done) return;
  note(`ablation: ${count(of - done)} examples of ${count(tokens)} tokens${rate > 0 ? `, some ${duration((2.5 * tokens) / rate)} by the pace so far` : ""} (--ablate 0 leaves it out)`); // two passes, to the end of the model
  using bar = progress({ label: "ablate", unit: "examples", total: of, from: done, quiet });
  for (let more = true; more; await turn()) {
    more = await pass.ablateSome();
    bar.update(pass.ablated.done);
  }
}

async function write(pass: FeaturePass, { model, dictionary, settings, format, folder, signal, quiet }: PerformOptions): Promise<string[]> {
  const { site, topTokens: tokens, nearest } = settings;
  const decoder = async () => {
    using bar = progress({ label: "decoder", unit: "rows", quiet });
    const onRows = (done: number, total: number) => {
      signal.throwIfAborted();
      bar.update(done, undefined, { total });
    };
    return decoderFacts(model, dictionary, { site, tokens, nearest, onRows });
  };
  const facts = await decoder();
  const { F, D } = dictionary;
  const { statistics } = pass;
  const set: FeatureSet = { model: settings.revision ? `${settings.model}@${settings.revision}` : settings.model, dictionary: settings.dictionary, site, texts: settings.datasetName, F, D, tokens: statistics.tokens, rows: statistics.rows, contextLength: settings.contextLength, skipFirst: settings.skipFirst, lens: facts.lens };
  const content = { set, counts: statistics.counts, details: (range: { start: number; end: number }) => featureDetails(pass, facts, range), tokenizer: model.tokenizer, vocabulary: model.neox.config.vocabulary };
  const written: string[] = [];
  using bar = progress({ label: "write", unit: "features", total: F * (format === "both" ? 2 : 1), quiet });
  const onFile = (features: number) => {
    signal.throwIfAborted();
    bar.update(features + F * written.length);
  };
  if (format !== "json") written.push(await folder.writeSite(content, onFile));
  if (format !== "site") written.push(await folder.writeJson(content, onFile));
  await folder.removeOthers(written);
  await folder.removeState();
  return written;
}

const duration = (seconds: number): string => (seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`);
