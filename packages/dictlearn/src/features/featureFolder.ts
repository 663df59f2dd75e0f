import { existsSync } from "node:fs";
import { readdir, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { openSafetensors, writeSafetensors, type NamedTensor } from "@dictlearn/checkpoint";
import { fileSource } from "@dictlearn/checkpoint/node";
import { neuronpediaLine, type FeatureDetail, type FeatureSet } from "@dictlearn/report";
import { DictlearnError } from "../error.js";
import { lockFolder } from "../lockFolder.js";
import { type Tokenizer } from "../openTokenizer.js";
import { makeLastingFolder, writeWhole } from "../wholeFile.js";
import { type FeaturePassState } from "./featurePass.js";
import { sharedTexts, vocabularyTexts } from "./vocabularyTexts.js";

/** Features whose lines are made before they are written. */
const AT_ONCE = 100;

// <path>/{index.html, data/{index.js, vocabulary.js, 0.js, 1.js, ...}, features.jsonl, state/pass.safetensors}; data.part/ while a site is written

export interface SiteContent {
  set: FeatureSet;
  /** Tokens that each feature was active on, [F]. */
  counts: Uint32Array;
  /** The features from `start` to `end`. */
  details(range: { start: number; end: number }): FeatureDetail[];
  tokenizer: Tokenizer;
  /** V, rows of the model's unembedding. */
  vocabulary: number;
}

/** Where a look at features is written, and kept while it is not done. Every file appears whole or not at all. */
export class FeatureFolder {
  constructor(readonly path: string) {}

  /**
   * Takes the folder for this process, made if it is not there. Released, it is gone again if it is empty.
   * @param options.note told of a killed run whose lock is taken over
   * @throws IO where another process is at it, or may be, and unless files can be written here
   */
  async lock(options?: { note?: (line: string) => void }): Promise<AsyncDisposable> {
    await makeLastingFolder(this.path);
    const lock = await lockFolder(this.path, options);
    return {
      [Symbol.asyncDispose]: async () => {
        await lock.release();
        await rmdir(this.path).catch(() => {}); // where something is in it, it stays
      },
    };
  }

  /**
   * Readies a folder that is locked. What an earlier look wrote stays until what replaces it is whole.
   * @throws DictlearnError USAGE for one with files in it, unless `force` says that ours among them may be replaced; IO
   */
  async begin({ force }: { force: boolean }): Promise<void> {
    try {
      const names = (await readdir(this.path)).filter((name) => name !== ".lock");
      if (names.length > 0 && !force)
        throw new DictlearnError("USAGE", `${this.path}: expected a new or empty folder, got one with ${names.slice(0, 4).join(", ")}${names.length > 4 ? ", …" : ""}`, names.includes("state") ? "give --resume to go on with it, --force to write over it, or another folder" : "give another, or --force to write over what an earlier run wrote");
      await rm(join(this.path, "state"), { recursive: true, force: true });
      await makeLastingFolder(join(this.path, "state"));
    } catch (cause) {
      if (cause instanceof DictlearnError) throw cause;
      throw new DictlearnError("IO", `${this.path}: expected a folder that can be written, got ${(cause as NodeJS.ErrnoException).code ?? (cause as Error).message}`);
    }
  }

  /** @param about whatever is to be known when it goes on: settings, engine, versions */
  async writeState({ arrays, ...rest }: FeaturePassState, about: Readonly<Record<string, unknown>>): Promise<void> {
    const tensors = Object.entries(arrays).map(([name, data]) => ({ name, dtype: data instanceof Float64Array ? "f64" : data instanceof Float32Array ? "f32" : data instanceof Int32Array ? "i32" : "u32", shape: [data.length], data }) as NamedTensor);
    const json = new TextEncoder().encode(JSON.stringify({ version: 1, ...rest, about })); // a header holds no more than 100 MB
    await makeLastingFolder(join(this.path, "state"));
    await writeWhole(join(this.path, "state", "pass.safetensors"), [writeSafetensors([...tensors, { name: "json", dtype: "u8", shape: [json.length], data: json }])]);
  }

  /** @throws NOT_FOUND where there is nothing to go on with */
  expectState(): void {
    if (!existsSync(join(this.path, "state", "pass.safetensors"))) throw new DictlearnError("NOT_FOUND", `${this.path}: expected a look at features that was not finished, got none`, existsSync(join(this.path, "index.html")) ? "it is done: open its index.html" : "give the folder that an earlier run was told to write to (--out)");
  }

  /** @throws NOT_FOUND where there is no state; FORMAT for one that is damaged, or of another version */
  async readState(): Promise<{ state: FeaturePassState; about: Readonly<Record<string, unknown>> }> {
    this.expectState();
    const path = join(this.path, "state", "pass.safetensors");
    await using source = await fileSource(path);
    const file = await openSafetensors(source);
    const json = file.has("json") ? new TextDecoder().decode((await file.read("json")).data) : "{}";
    const { version, about, ...rest } = parsed(json, path) as { version?: unknown; about: Record<string, unknown> } & Omit<FeaturePassState, "arrays">;
    if (version !== 1) throw new DictlearnError("FORMAT", `${path}: expected a state of version 1, got ${JSON.stringify(version) ?? "none"}`);
    const arrays: Record<string, FeaturePassState["arrays"][string]> = {};
    for (const name of file.names.filter((name) => name !== "json")) arrays[name] = (await file.read(name)).data as FeaturePassState["arrays"][string];
    return { state: { ...rest, arrays }, about };
  }

  /** Removes the state: of a look that is done, or that had nothing to look at. */
  async removeState(): Promise<void> {
    await rm(join(this.path, "state"), { recursive: true, force: true });
  }

  /** Removes what an earlier look wrote in a form that this one did not. @param written paths of this one's pages and files */
  async removeOthers(written: readonly string[]): Promise<void> {
    for (const [main, ...beside] of [["index.html", "data"], ["features.jsonl"]])
      if (!written.includes(join(this.path, main))) for (const name of [main, ...beside]) await rm(join(this.path, name), { recursive: true, force: true });
  }

  /**
   * Writes the site, the page last.
   * @param onFile told how many features are written
   * @returns its page
   */
  async writeSite({ set, counts, details, tokenizer, vocabulary }: SiteContent, onFile: (features: number) => void = () => {}): Promise<string> {
    const { featuresFile, FeaturesIndex, featuresOfFile, featuresPage, vocabularyFile } = await import("@dictlearn/report/html"); // plots take as long to load as all else here
    const data = join(this.path, "data.part");
    await rm(data, { recursive: true, force: true });
    await makeLastingFolder(data);
    const texts = vocabularyTexts(tokenizer, vocabulary);
    const textsOf = sharedTexts(tokenizer, texts);
    const index = new FeaturesIndex(set);
    for (let start = 0; start < set.F; start += featuresOfFile) {
      const end = Math.min(set.F, start + featuresOfFile);
      const some = details({ start, end });
      index.add(some);
      await writeWhole(join(data, `${start / featuresOfFile}.js`), [featuresFile(some, textsOf)]);
      onFile(end);
    }
    await writeWhole(join(data, "vocabulary.js"), [vocabularyFile(texts)]);
    await writeWhole(join(data, "index.js"), [index.file()]);
    const page = join(this.path, "index.html");
    for (const name of [page, join(this.path, "data")]) await rm(name, { recursive: true, force: true });
    await rename(data, join(this.path, "data"));
    await writeWhole(page, [featuresPage(set, counts)]);
    return page;
  }

  /** Writes `features.jsonl`, a feature a line in Neuronpedia's fields. @returns its path */
  async writeJson({ set, details, tokenizer, vocabulary }: SiteContent, onFile: (features: number) => void = () => {}): Promise<string> {
    const texts = vocabularyTexts(tokenizer, vocabulary);
    const textsOf = sharedTexts(tokenizer, texts);
    const path = join(this.path, "features.jsonl");
    function* lines(): Generator<string> {
      for (let start = 0; start < set.F; start += AT_ONCE) {
        const end = Math.min(set.F, start + AT_ONCE);
        yield details({ start, end }).map((detail) => neuronpediaLine(set, detail, (token) => texts[token], textsOf)).join("");
        onFile(end);
      }
    }
    await writeWhole(path, lines());
    return path;
  }
}

function parsed(json: string, path: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new DictlearnError("FORMAT", `${path}: expected JSON in its tensor json, got ${JSON.stringify(json.slice(0, 60))}`);
  }
}
