import cliProgress, { type SingleBar } from "cli-progress";

export interface ProgressOptions {
  readonly label: string;
  /** Leave out what is not known beforehand: then there is a count and a rate, no share and no time left. */
  readonly total?: number;
  /** What is counted, in the plural: "tokens". "bytes" are shown as MB (millions). */
  readonly unit?: string;
  /** Where the count starts: what an earlier run has done. */
  readonly from?: number;
  readonly quiet?: boolean;
  readonly stream?: NodeJS.WriteStream;
}

export interface Progress {
  /**
   * @param note shown behind, such as `loss 0.12`
   * @param learned a total, and a count to start from, that only turned out on the way
   */
  update(done: number, note?: string, learned?: { total?: number; from?: number }): void;
  stop(): void;
  [Symbol.dispose](): void;
}

const patience = 2_000; // ms; what is done sooner needs no progress
const settled = 20_000; // ms; a slow start no longer counts for much
const lineEvery = 5_000; // ms, where there is no terminal

/**
 * Progress on stderr: nothing for two seconds, then a bar on a terminal and a line now and then elsewhere. Drawn by
 * `update`, since work that keeps the thread busy lets no timer run.
 */
export function progress({ label, total, unit: counted = "", from = 0, quiet = false, stream = process.stderr }: ProgressOptions): Progress {
  const { unit, count } = counted === "bytes" ? { unit: "MB", count: megabytes } : { unit: counted, count: plain };
  const start = Date.now();
  let done = from;
  let doneAt = start;
  let note = "";
  let nextLine = start + patience;
  let shown = false;
  let stopped = quiet;

  let bar: SingleBar | undefined;

  function newBar(): SingleBar {
    return new cliProgress.SingleBar({
      stream,
      clearOnComplete: true,
      linewrap: true, // as the terminal has it: nothing to restore if the process ends
      barsize: 16,
      barCompleteChar: "█",
      barIncompleteChar: "░",
      format: (options, { progress }) => {
        const begun = total ? `${label} ${cliProgress.Format.BarFormat(progress, options)}` : label;
        return fitted([`${begun} ${state()}`, ...(total ? [`${begun} ${state({ counts: false })}`, `${label} ${state({ counts: false })}`] : [])], stream.columns);
      },
    });
  }

  function state({ counts = true } = {}): string {
    const rate = (done - from) / Math.max((doneAt - start) / 1000, 1e-3);
    const known = done > from && (done - from > (total ?? 0) / 100 || doneAt - start > settled); // before, nobody can say how long it takes
    return [
      total && !counts ? percent(done, total) : [total ? `${percent(done, total)} ${count(done)}/${count(total)}` : count(done), unit].filter(Boolean).join(" "),
      `${count(rate)} ${unit ? `${unit}/s` : "a second"}`,
      total && known && done < total ? `${duration((total - done) / rate)} left` : "",
      note,
    ]
      .filter(Boolean)
      .join(", ");
  }

  function draw(): void {
    if (stream.isTTY) {
      if (!bar) (bar = newBar()).start(total ?? 0, done);
      bar.setTotal(total ?? 0);
      bar.update(done);
    } else {
      stream.write(`${label}: ${state()}\n`);
      nextLine = doneAt + lineEvery;
    }
    shown = true;
  }

  function stop(): void {
    if (stopped) return;
    stopped = true;
    process.off("exit", stop);
    if (stream.isTTY) bar?.stop();
    else if (shown) stream.write(`${label}: ${count(done)}${unit && ` ${unit}`} in ${duration((Date.now() - start) / 1000)}\n`);
  }
  if (!stopped) process.once("exit", stop); // a bar left standing would run into the shell's prompt

  return {
    update(to, withNote = note, learned) {
      done = to;
      note = withNote;
      total = learned?.total ?? total;
      from = learned?.from ?? from;
      doneAt = Date.now();
      if (!stopped && (stream.isTTY ? doneAt - start >= patience : doneAt >= nextLine)) draw();
    },
    stop,
    [Symbol.dispose]: stop,
  };
}

function percent(done: number, total: number): string {
  return `${Math.floor((100 * done) / total)}%`;
}

function plain(n: number): string {
  return n.toLocaleString("en", { maximumFractionDigits: n < 10 ? 1 : 0 });
}

function megabytes(n: number): string {
  return (n / 1e6).toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}

/** 8 s, 3 min 05 s, 2 h 07 min */
function duration(seconds: number): string {
  const s = Math.round(seconds);
  const pad = (n: number) => String(n).padStart(2, "0");
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${pad(s % 60)} s`;
  return `${Math.floor(s / 3600)} h ${pad(Math.floor((s % 3600) / 60))} min`;
}

/** The first of the lines that fits, else the last one cut: a line that wraps cannot be redrawn in place. */
function fitted(lines: readonly string[], columns = 80): string {
  const last = lines.at(-1)!;
  return lines.find((line) => line.length < columns) ?? `${last.slice(0, columns - 2)}…`;
}
