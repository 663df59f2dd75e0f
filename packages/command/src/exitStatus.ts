/** What `runMain` ends with, for the end of a help. */
export const exitStatus = "Exit status: 0 done; 1 a mistake or bad luck, told in one line on stderr; 70 a fault of the program; 130 ended by Ctrl-C.";

/** Variables that count, with what they are. */
export type Environment = Readonly<Record<string, string>>;

export function environmentSection(variables: Environment): string {
  const width = Math.max(...Object.keys(variables).map((name) => name.length));
  return ["Environment:", ...Object.entries(variables).map(([name, what]) => `  ${name.padEnd(width)}  ${what}`)].join("\n");
}
