import { createRequire } from "node:module";
import { downloadProgress, resolvePath, type DownloadProgress } from "@dictlearn/command";
import { hubEnvironment, openHub, type Hub } from "@dictlearn/hub";

export const version = createRequire(import.meta.url)("../package.json").version as string;

/** What every command begins with. */
export interface Beginning extends Disposable {
  /** A line on stderr, unless it is to be quiet. */
  note(line: string): void;
  /** Shows what it fetches. */
  readonly hub: Hub;
  readonly offline: boolean;
  readonly arriving: DownloadProgress;
}

/** Paths are relative to where the person stands from here on, not to where a package manager starts us. */
export function begin({ quiet }: { quiet: boolean }): Beginning {
  process.chdir(resolvePath("."));
  const note = (line: string) => void (quiet || process.stderr.write(`${line}\n`));
  const arriving = downloadProgress({ quiet });
  const environment = hubEnvironment(process.env);
  const hub = openHub({ ...environment, onProgress: arriving.onProgress, onNotice: note });
  return { note, hub, offline: environment.offline ?? false, arriving, [Symbol.dispose]: () => arriving.stop() };
}
