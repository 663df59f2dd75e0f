import { errorReport } from "./errorReport.js";
import type { Main } from "./defineCommand.js";

/** How a program ended that was told to, as shells say it: 128 + the signal's number. */
const [interrupted, terminated] = [130, 143];

/**
 * Runs a program and ends the process: 0 when it is done, 1 with one line on stderr for a mistake, 70 with a stack for a
 * bug of ours, 130 after Ctrl-C, 143 after SIGTERM. A reader of stdout who has seen enough (`| head`) ends it quietly.
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
  let told = 0;
  const stop = (code: number) => () => {
    if (!heeded || interruption.signal.aborted) process.exit(code);
    told = code;
    interruption.abort();
  };
  process.on("SIGINT", stop(interrupted));
  process.on("SIGTERM", stop(terminated)); // from a scheduler that takes the machine away, and kills soon after

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
  return end(interruption.signal.aborted ? told : Number(process.exitCode ?? 0));
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
