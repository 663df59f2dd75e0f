import { progress } from "./progress.js";

export interface DownloadProgress {
  /** Bytes of a file that are here; the first call may count what an earlier run had fetched. */
  onProgress(file: { name: string; received: number; total?: number }): void;
  stop(): void;
  [Symbol.dispose](): void;
}

/** One line of progress for all files that arrive, several at a time or one after another: bytes, rate, time left. */
export function downloadProgress({ quiet, stream }: { quiet?: boolean; stream?: NodeJS.WriteStream } = {}): DownloadProgress {
  const files = new Map<string, { received: number; total: number; from: number }>();
  const sum = (of: "received" | "total" | "from") => [...files.values()].reduce((all, file) => all + file[of], 0);
  let bar: ReturnType<typeof progress> | undefined;
  const stop = () => bar?.stop();
  return {
    onProgress({ name, received, total = received }) {
      bar ??= progress({ label: "fetching", unit: "bytes", quiet, stream });
      files.set(name, { received, total, from: files.get(name)?.from ?? received });
      bar.update(sum("received"), name, { total: sum("total"), from: sum("from") });
    },
    stop,
    [Symbol.dispose]: stop,
  };
}
