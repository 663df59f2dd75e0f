import { CommandError } from "./commandError.js";
import type { Main } from "./defineCommand.js";
import { environmentSection, exitStatus, type Environment } from "./exitStatus.js";
import { nearest } from "./nearest.js";

export interface ProgramSpec {
  readonly name: string;
  readonly version: string;
  readonly summary: string;
  /** By name, in the order of the help; a command is loaded when it is called. */
  readonly commands: Readonly<Record<string, { readonly summary: string; load(): Promise<Main> }>>;
  /** Command lines that work, shown at the end of the help. */
  readonly examples?: readonly string[];
  /** Variables of the environment that count, shown behind them. */
  readonly environment?: Environment;
}

/** Several commands under one name: the first word says which, the rest is its own. */
export function defineProgram(spec: ProgramSpec): Main {
  const { name, version, commands } = spec;
  const names = Object.keys(commands);
  return async ([word, ...rest], invocation) => {
    if (word === undefined || word === "--help" || word === "-h" || (word === "help" && rest.length === 0)) return print(helpOf(spec));
    if (word === "--version" || word === "-v") return print(`${version}\n`);
    const [called, argv] = word === "help" ? [rest[0], ["--help"]] : [word, rest];
    if (!Object.hasOwn(commands, called)) {
      const meant = nearest(called, names);
      throw new CommandError("USAGE", `${name}: expected one of ${names.join(", ")}, got ${JSON.stringify(called)}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`, `${name} --help says what each does`);
    }
    const main = await commands[called].load();
    await main(argv, {
      program: name,
      get signal() {
        return invocation.signal; // reading it takes over Ctrl-C
      },
    });
  };
}

function print(text: string): void {
  process.stdout.write(text);
}

function helpOf({ name, summary, commands, examples = [], environment }: ProgramSpec): string {
  const width = Math.max(...Object.keys(commands).map((command) => command.length));
  const lines = Object.entries(commands).map(([command, { summary }]) => `  ${command.padEnd(width)}  ${summary}`);
  const shown = examples.length > 0 ? `\nExamples:\n${examples.map((line) => `  $ ${line}`).join("\n")}\n` : "";
  return `Usage: ${name} <command> [options]\n\n${summary}\n\nCommands:\n${lines.join("\n")}\n\n${name} <command> --help lists a command's flags.\n${shown}${environment ? `\n${environmentSection(environment)}\n` : ""}\n${exitStatus}\n`;
}
