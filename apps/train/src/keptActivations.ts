import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { CommandError, count, progress, sizeOf } from "@dictlearn/command";
import { type Hub, makeFolder, withLock } from "@dictlearn/hub";
import { type Device } from "@dictlearn/kernels";
import { modelDigest, openActivations, readActivations, textsDigest, tokensIn, writeActivations, type Harvest, type RowCursor, type ShardManifest, type WriteActivationsOptions } from "dictlearn";
import { type Settings } from "./settings.js";

/** What activations in a folder are of. Two that say the same are the same, up to the rounding of the engine that computed them. */
export async function provenanceOf(settings: Settings, { commits, hub }: { commits: { model?: string; data?: string }; hub: Hub }): Promise<Record<string, unknown>> {
  const { model_name, dataset_name, text_column, split, data_config, data_revision, context_length, rows } = settings;
  const named = async (name: string, commit: string | undefined, digest: () => Promise<string>) => (commit === undefined ? `${basename(name)} (SHA-256 ${await digest()})` : `${name}@${commit}`);
  return {
    model: await named(model_name, commits.model, () => modelDigest(model_name, { hub })),
    texts: await named(dataset_name, commits.data, () => textsDigest(dataset_name, { split, config: data_config ?? undefined, revision: data_revision ?? undefined, hub })),
    text_column,
    split,
    data_config,
    context_length,
    rows,
  };
}

/** A folder's activations as a source, opened when the first are asked for: they may have to be written before. */
export function keptActivations(directory: string, { device, widths, ...options }: { device: Device; widths: Readonly<Record<string, number>>; seed: number; cursor?: unknown }): Pick<Harvest, "device" | "widths" | "next" | "rerun"> {
  let opened: ReturnType<typeof openActivations> | undefined;
  const source = () => (opened ??= openActivations(directory, { device, sites: Object.keys(widths), ...options }));
  return { device, widths, next: async () => (await source()).next(), rerun: async (rows) => (await source()).rerun(rows) };
}

/** Whether a folder has so many activations already. */
export async function hasActivations(directory: string, tokens: number): Promise<boolean> {
  const manifest = await readActivations(directory);
  return manifest !== undefined && tokensIn(manifest) >= tokens;
}

export interface HarvestingOptions extends WriteActivationsOptions {
  tokens: number;
  widths: Readonly<Record<string, number>>;
  signal: AbortSignal;
  note: (line: string) => void;
  quiet: boolean;
}

/**
 * Writes to a folder what it has not yet, and says what that takes before it begins. Where another process is at it, this
 * one waits and reads.
 * @returns where the texts stand behind all that the folder has
 * @throws DictlearnError USAGE for activations of other settings; CommandError USAGE where the disk has no room; the
 *   signal's reason at Ctrl-C
 */
export async function harvestTo(directory: string, open: (cursor: RowCursor | undefined) => Harvest, { widths, signal, note, quiet, ...options }: HarvestingOptions): Promise<RowCursor | null> {
  const { tokens, skipFirst = 0 } = options;
  const write = async () => {
    let manifest = await readActivations(directory);
    let done = manifest ? tokensIn(manifest) : 0;
    using bar = progress({ label: "harvest", unit: "tokens", total: tokens, from: done, quiet });
    const told = async (cursor: RowCursor | undefined): Promise<Harvest> => {
      note(await announcement(directory, { manifest, widths, tokens, dtype: options.dtype }));
      const source = open(cursor);
      return {
        ...source,
        async next() {
          signal.throwIfAborted();
          const found = await source.next();
          for (let r = 1; found && r < found.rows.start.length; r++) done += Math.max(0, found.rows.start[r] - found.rows.start[r - 1] - skipFirst);
          bar.update(Math.min(done, tokens));
          return found;
        },
      };
    };
    try {
      for await (manifest of writeActivations(directory, told, options));
    } catch (error) {
      if (!signal.aborted) throw error;
      bar.stop();
      note(`harvest: stopped; whole shards in ${directory} have ${count(manifest ? tokensIn(manifest) : 0)} of ${count(tokens)} tokens, and the same command goes on there`);
      throw error;
    }
    return manifest!.cursor as RowCursor | null;
  };
  const all = async () => {
    signal.throwIfAborted();
    return (await hasActivations(directory, tokens)) ? write() : undefined; // nothing is left to write
  };
  const lock = `${directory}.lock`;
  const there = await all();
  if (there !== undefined) {
    if (existsSync(lock)) await withLock(lock, all, write).catch(() => undefined); // left by a run that was killed; if it can't be removed, it is in nobody's way
    note(`activations: ${directory} has the ${count(tokens)} tokens; they are read, and the model does not run`);
    return there;
  }
  await makeFolder(dirname(directory));
  return withLock(lock, all, write, () => note(`activations: another process writes to ${directory}; waiting for it`));
}

/** What is about to be written, and the room for it. @throws CommandError USAGE where there is too little */
async function announcement(directory: string, { manifest, widths, tokens, dtype: asked = "f32" }: Pick<HarvestingOptions, "widths" | "tokens" | "dtype"> & { manifest?: ShardManifest }): Promise<string> {
  const held = manifest ? tokensIn(manifest) : 0;
  const dtype = manifest?.dtype ?? asked;
  const width = Object.values(widths).reduce((sum, D) => sum + D, 0);
  const bytes = (tokens - held) * width * (dtype === "f16" ? 2 : 4);
  const free = await freeBytes(directory);
  if (bytes > free) throw new CommandError("USAGE", `activations: expected ${sizeOf(bytes)} free for ${directory}, got ${sizeOf(free)}`, `fewer --num-tokens,${dtype === "f32" ? " --activations-dtype f16," : ""} or a folder on another disk`);
  const has = held > 0 ? ` has ${count(held)} of ${count(tokens)} tokens; the rest takes` : `: ${count(tokens)} tokens take`;
  return `activations: ${directory}${has} ${sizeOf(bytes)} as ${dtype} (${sizeOf(free)} are free)`;
}

/** What is free where a folder is or will be. */
async function freeBytes(directory: string): Promise<number> {
  let there = resolve(directory);
  while (!existsSync(there)) there = dirname(there);
  const { bavail, bsize } = await statfs(there);
  return bavail * bsize;
}
