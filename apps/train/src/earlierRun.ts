import { CommandError } from "@dictlearn/command";
import { existsSync } from "node:fs";
import { RunDirectory, type TrainingState } from "dictlearn";
import { type Locks } from "./locks.js";
import { type Conduct, type Flags, type Settings } from "./settings.js";
import { version } from "./version.js";

/** What is recorded with a state. */
export interface Recorded {
  settings: Settings;
  conduct: Conduct;
  engine: string;
  device: "cpu" | "webgpu";
  build: string;
  /** Where the branches of the Hub were when the run began: it goes on there. */
  commits: { model?: string; data?: string };
}

/** A run to go on with: where its last whole state was. */
export interface EarlierRun {
  readonly path: string;
  readonly state: TrainingState;
  readonly about: Recorded;
}

/**
 * The run that `--resume` means, undefined without.
 * @throws CommandError USAGE with `--save-dir`; NOT_FOUND and FORMAT as `RunDirectory.readState`; IO where
 *   another process is at it
 */
export async function earlierRun({ resume, saveDir }: Flags, locks: Locks): Promise<EarlierRun | undefined> {
  if (resume === undefined) return undefined;
  if (saveDir !== undefined) throw new CommandError("USAGE", "--save-dir: expected either --save-dir or --resume, got both", "a resumed run saves where it did");
  const path = resume as string;
  const directory = new RunDirectory(path);
  if (existsSync(path)) await locks.take(directory); // before its state is read: another process would write the next
  const { state, about } = await directory.readState();
  return { path, state, about: about as unknown as Recorded };
}

/** @throws CommandError USAGE unless an engine gives the bytes that the run's own gives, or others are allowed */
export function expectEngine({ path, about }: EarlierRun, engine: string, { allowInexact, note }: { allowInexact: boolean; note: (line: string) => void }): void {
  if (about.engine !== engine && !allowInexact)
    throw new CommandError("USAGE", `${path}: expected the run's own engine, ${about.engine}, got ${engine}`, `${engineRemedy(about)}, or --allow-inexact to go on with results that differ in their last digits`);
  if (about.build !== version) note(`${path}: begun with version ${about.build}, goes on with ${version}`);
}

const engineRemedy = ({ engine, device }: Recorded): string => (engine === "wasm" ? "--device cpu --engine wasm" : device === "cpu" ? "--device cpu --engine native on such a machine with that version" : `--device ${device} where it ran`);
