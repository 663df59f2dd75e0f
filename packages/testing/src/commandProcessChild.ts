import type { Call, Ran } from "./commandProcess.js";

interface Command {
  command(argv: readonly string[], invocation: { readonly signal: AbortSignal }): Promise<void>;
}
interface Cli {
  errorReport(error: unknown, options: { debug: boolean }): { readonly text: string; readonly exitCode: number };
}

const [, , commandUrl, cliUrl] = process.argv;
const { command }: Command = await import(commandUrl!);
const { errorReport }: Cli = await import(cliUrl!);

process.on("message", (call: Call) => void run(call).then((ran) => process.send!(ran)));

/** As `runMain` runs a command, but the process goes on. */
async function run({ args, cwd, env }: Call): Promise<Ran> {
  const [stdout, stderr] = [keep(process.stdout), keep(process.stderr)];
  const ran = (code: number): Ran => ({ code, stdout: stdout(), stderr: stderr() });
  process.chdir(cwd);
  // in place: native code sees the process's own environment only
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
  process.exitCode = 0;
  try {
    await command(args, { signal: new AbortController().signal });
    return ran(Number(process.exitCode));
  } catch (error) {
    const { text, exitCode } = errorReport(error, { debug: args.includes("--debug") });
    process.stderr.write(`${text}\n`);
    return ran(exitCode);
  }
}

/** Keeps what is written to a stream. @returns its end: gives the text */
function keep(stream: NodeJS.WriteStream): () => string {
  const { write } = stream;
  const chunks: Uint8Array[] = [];
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : chunk.slice());
    const written = rest.find((argument) => typeof argument === "function") as (() => void) | undefined;
    if (written) process.nextTick(written);
    return true;
  };
  return () => {
    stream.write = write;
    return Buffer.concat(chunks).toString("utf8");
  };
}
