import { errorReport } from "./errorReport.js";
import type { Main } from "./defineCommand.js";

/** 130: ended by Ctrl-C, as shells say it (128 + SIGINT). */
const interrupted = 130;

/**
 * Runs a program and ends the process: 0 when it is done, 1 with one line on stderr for a mistake, 70 with a stack for a
 * bug of ours, 130 after Ctrl-C. A reader of stdout who has seen enough (`| head`) ends it quietly.
 */
export async function runMain(main: Main, argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  process.stderr.on("error", () => {}); // nobody left to tell
  const debug = argv.includes("--debug");
  process.once("uncaughtException", (error) => void fail(error, debug));

  const interruption = new AbortController();
  let heeded = false;
  process.on("SIGINT", () => {
    if (!heeded || interruption.signal.aborted) process.exit(interrupted);
    interruption.abort();
  });
  process.once("SIGTERM", () => process.exit(143));

  try {
    await main(argv, {
      get signal() {
        heeded = true;
        return interruption.signal;
      },
    });
  } catch (error) {
    // An abort that main lets through is its way of ending; anything else that fails while it saves must be seen.
    if (!(interruption.signal.aborted && isAbort(error, interruption.signal))) return fail(error, debug);
  }
  return end(interruption.signal.aborted ? interrupted : Number(process.exitCode ?? 0));
}

async function fail(error: unknown, debug: boolean): Promise<void> {
  const { text, exitCode } = errorReport(error, { debug });
  process.stderr.write(`${text}\n`);
  await end(exitCode);
}

/** Exits even where a device or a worker would keep the process alive, but not before what was written has left. */
async function end(exitCode: number): Promise<void> {
  await Promise.all([process.stdout, process.stderr].map((stream) => new Promise((done) => stream.write("", done))));
  process.exit(exitCode);
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === "AbortError");
}
