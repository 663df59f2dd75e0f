import { Argument, Command, CommanderError } from "commander";
import type { z } from "zod";
import { check } from "./check.js";
import { CommandError } from "./commandError.js";
import { environmentSection, exitStatus, type Environment } from "./exitStatus.js";
import { flagName, flagOptions, flagSchemas, parse, type FlagSchema } from "./flag.js";

/** What a program is given besides its words. `signal` aborts at Ctrl-C; whoever reads it takes over ending. */
export interface Invocation {
  readonly signal: AbortSignal;
  /** The program that this is a command of, as help and errors name it: `dictlearn`. */
  readonly program?: string;
}

/** A program: words in, exit by returning or throwing. `runMain` runs it. */
export type Main = (argv: readonly string[], invocation: Invocation) => Promise<void>;

type Values<S extends z.ZodObject | undefined> = S extends z.ZodObject ? z.output<S> : Record<string, never>;

export interface CommandSpec<F extends z.ZodObject, P extends z.ZodObject | undefined = undefined> {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  /** After the name in the help, where `[options]` and the arguments do not say it well. */
  readonly usage?: string;
  /** Command lines that work, shown at the end of the help. */
  readonly examples?: readonly string[];
  /** Variables of the environment that count, shown behind them. */
  readonly environment?: Environment;
  /** Words that are not flags, in this order; an array takes all that are left. */
  readonly positional?: P;
  /** A flag a key: `.describe()` is its help, `.meta({ placeholder: "FILE", short: "o" })` the rest; `underHeading` groups them. */
  readonly flags: F;
  run(flags: z.output<F>, invocation: Invocation & { readonly positional: Values<P>; /** `--debug`: tell more. */ readonly debug: boolean }): void | Promise<void>;
}

/** A command line from one schema: flags, help and one-line errors follow from it. */
export function defineCommand<F extends z.ZodObject, P extends z.ZodObject | undefined = undefined>(
  spec: CommandSpec<F, P>,
): Main {
  const words = spec.positional ? flagSchemas(spec.positional) : { properties: {}, required: [] };

  return async (argv, invocation) => {
    const prefix = invocation.program === undefined ? "" : `${invocation.program} `;
    const remedy = `${prefix}${spec.name} --help lists the flags`;
    const command = commanderOf(spec, words, prefix);
    try {
      command.parse(withoutSeparator(argv, command), { from: "user" });
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      if (error.exitCode === 0) return; // --help or --version, already printed
      throw new CommandError("USAGE", oneLine(error.message), remedy);
    }
    const { debug = false, ...given } = command.opts();
    const flags = check(spec.flags, given, { subject: flagName, remedy });
    const positional = spec.positional
      ? check(spec.positional, positionalValues(words.properties, command.processedArgs), { remedy })
      : {};
    await spec.run(flags, {
      program: invocation.program,
      positional: positional as Values<P>,
      debug: debug as boolean,
      get signal() {
        return invocation.signal;
      },
    });
  };
}

function commanderOf(
  spec: CommandSpec<z.ZodObject, z.ZodObject | undefined>,
  words: ReturnType<typeof flagSchemas>,
  prefix: string,
): Command {
  const command = new Command(`${prefix}${spec.name}`)
    .description(spec.summary)
    .helpOption("-h, --help", "print this help")
    .exitOverride()
    .configureOutput({ outputError: () => {} }); // runMain prints errors
  const { properties, required } = flagSchemas(spec.flags);
  for (const [key, flag] of Object.entries(properties))
    for (const option of flagOptions(key, flag, required.includes(key))) command.addOption(option);
  command.option("--debug", "say what runs, and show the stack of an error").version(spec.version, "-v, --version", "print the version");

  for (const [key, word] of Object.entries(words.properties)) {
    const name = `${key}${word.type === "array" ? "..." : ""}`;
    command.addArgument(new Argument(words.required.includes(key) ? `<${name}>` : `[${name}]`, word.description));
  }
  if (spec.usage) command.usage(spec.usage);
  if (spec.examples) command.addHelpText("after", `\nExamples:\n${spec.examples.map((line) => `  $ ${prefix}${line}`).join("\n")}`);
  if (spec.environment) command.addHelpText("after", `\n${environmentSection(spec.environment)}`);
  command.addHelpText("after", `\n${exitStatus}`);
  return command;
}

/** commander's arguments, in order, as values by key; what was not given is left out. */
function positionalValues(words: Record<string, FlagSchema>, given: readonly unknown[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(words).flatMap(([key, word], i) => {
      const value = given[i];
      if (value === undefined) return [];
      const texts = [value].flat() as string[];
      return [[key, word.type === "array" ? texts.flatMap((text) => parse(text, word, undefined)) : parse(texts[0], word, undefined)]];
    }),
  );
}

/**
 * `pnpm start -- --k 8` hands on its `--`. It is dropped where a flag follows, or where the command takes nothing but
 * flags; elsewhere it keeps its meaning: what follows is no flag.
 */
function withoutSeparator(argv: readonly string[], command: Command): readonly string[] {
  const at = argv.indexOf("--");
  if (at < 0) return argv;
  const next = argv[at + 1]?.split("=")[0];
  const flagFollows = next === "--help" || next === "-h" || command.options.some((option) => option.long === next || option.short === next);
  return flagFollows || command.registeredArguments.length === 0 ? argv.filter((_, i) => i !== at) : argv;
}

function oneLine(message: string): string {
  return message.replace(/^error: /, "").replace(/\s*\n\s*/g, " ").replace("(Did you mean", "(did you mean");
}
