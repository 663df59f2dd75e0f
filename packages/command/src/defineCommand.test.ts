import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { defineCommand } from "./defineCommand.js";
import { underHeading } from "./underHeading.js";

const invocation = { signal: new AbortController().signal };
const run = vi.fn();
const command = defineCommand({
  name: "features",
  version: "1.2.3",
  summary: "Shows features.",
  examples: ["features --csv a.csv"],
  positional: z.object({ texts: z.array(z.string()).default([]).describe("sentences to read") }),
  flags: z.object({
    csv: z.string().transform((path) => `/here/${path}`).optional().describe("sentences of a table").meta({ placeholder: "FILE", short: "c" }),
    pooling: z.enum(["mean", "padded-mean", "max", "last"]).default("mean").describe("tokens to one row"),
    contextLength: z.int().min(1).default(128).describe("tokens of a text"),
    rate: z.number().gt(0).lte(1).optional(),
    device: z.union([z.literal("auto"), z.int()]).default("auto"),
    layers: z.array(z.int()).default([0]),
    site: z.array(z.string()).optional(),
    json: z.boolean().default(false).describe("JSON on stdout"),
    header: z.boolean().default(true).describe("no line of titles"),
  }),
  run,
});
const bare = defineCommand({ name: "bare", version: "1", summary: "", flags: z.object({ features: z.int().max(9) }), run });

afterEach(() => {
  vi.restoreAllMocks();
  run.mockReset();
});

async function flagsOf(...argv: string[]) {
  await command(argv, invocation);
  return run.mock.lastCall![0];
}

test("defaults come from the schema", async () => {
  expect(await flagsOf()).toEqual({
    pooling: "mean", contextLength: 128, device: "auto", layers: [0], json: false, header: true,
  });
});

test("flags are kebab-case, typed, and transformed", async () => {
  const flags = await flagsOf(
    ..."-c a.csv --pooling max --context-length=64 --rate 1e-2 --device 1 --layers 1,2 --layers 3 --json --no-header".split(" "),
    "--site", "a, b", "--site", "c",
  );
  expect(flags).toEqual({
    csv: "/here/a.csv", pooling: "max", contextLength: 64, rate: 0.01, device: 1, layers: [1, 2, 3], json: true, header: false,
    site: ["a, b", "c"],
  });
  expect(await flagsOf("--header")).toMatchObject({ header: true });
});

test("positionals are checked and handed over by name", async () => {
  await command(["one", "two"], invocation);
  expect(run.mock.lastCall![1].positional).toEqual({ texts: ["one", "two"] });
});

test.each([
  [["--", "--json"], { json: true }, []],
  [["--pooling", "max", "--", "--json"], { json: true, pooling: "max" }, []],
  [["--json", "--", "-not a flag"], { json: true }, ["-not a flag"]],
])("a literal -- before flags is dropped, before words it keeps its meaning: %j", async (argv, flags, texts) => {
  await command(argv, invocation);
  expect(run.mock.lastCall![0]).toMatchObject(flags);
  expect(run.mock.lastCall![1].positional).toEqual({ texts });
});

test.each([
  [["--pooling", "avg"], '--pooling: expected one of mean, padded-mean, max, last, got "avg"'],
  [["--context-length", "0"], "--context-length: expected a whole number >= 1, got 0"],
  [["--context-length", "1.5"], "--context-length: expected a whole number >= 1, got 1.5"],
  [["--context-length", "ten"], '--context-length: expected a whole number >= 1, got "ten"'],
  [["--context-length", ""], '--context-length: expected a whole number >= 1, got ""'],
  [["--rate", "2"], "--rate: expected a number > 0 and <= 1, got 2"],
  [["--device", "gpu"], '--device: expected auto or a whole number, got "gpu"'],
  [["--layers", "1,x"], '--layers: expected a list, each a whole number, got "x"'],
  [["--poolng", "max"], "unknown option '--poolng' (did you mean --pooling?)"],
  [["--csv"], "option '-c, --csv <FILE>' argument missing"],
])("%j is told in one line", async (argv, message) => {
  await expect(command(argv, invocation)).rejects.toMatchObject({
    code: "USAGE", message, remedy: "features --help lists the flags",
  });
  expect(run).not.toHaveBeenCalled();
});

test.each([
  [[], "--features: expected a whole number <= 9, got nothing"],
  [["--features", "1", "word"], "too many arguments. Expected 0 arguments but got 1."],
  [["--", "--feature", "1"], "unknown option '--feature' (did you mean --features?)"],
])("where no words are taken: %j", async (argv, message) => {
  await expect(bare(argv, invocation)).rejects.toMatchObject({ code: "USAGE", message });
});

test("--help is made from the schema, --version prints the version; neither runs", async () => {
  let printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((printed += text), true));
  await command(["--help"], invocation);
  expect(printed).toMatchInlineSnapshot(`
    "Usage: features [options] [texts...]

    Shows features.

    Arguments:
      texts                 sentences to read

    Options:
      -c, --csv <FILE>      sentences of a table
      --pooling <name>      tokens to one row (one of mean, padded-mean, max, last;
                            default: mean)
      --context-length <n>  tokens of a text (default: 128)
      --rate <n>
      --device <n>          (default: auto)
      --layers <n,...>      (default: 0)
      --site <text>
      --json                JSON on stdout
      --no-header           no line of titles
      --debug               say what runs, and show the stack of an error
      -v, --version         print the version
      -h, --help            print this help

    Examples:
      $ features --csv a.csv

    Exit status: 0 done; 1 a mistake or bad luck, told in one line on stderr; 70 a fault of the program; 130 ended by Ctrl-C.
    "
  `);
  printed = "";
  await command(["--version"], invocation);
  expect(printed).toBe("1.2.3\n");
  expect(run).not.toHaveBeenCalled();
});

test("flags stand under their headings, in the order in which these come; variables of the environment behind", async () => {
  let printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => ((printed += text), true));
  const flags = z.object({ ...underHeading("Texts", { column: z.string().optional().describe("where they are").meta({ placeholder: "NAME" }) }), quiet: z.boolean().default(false), ...underHeading("Numbers", { half: z.boolean().optional() }) });
  await defineCommand({ name: "x", version: "1", summary: "", flags, environment: { HOME: "where caches are", A: "b" }, run })(["--help"], invocation);
  expect(printed).toMatch(/Texts:\n {2}--column <NAME> +where they are\n\nOptions:\n {2}--quiet[^]*\n\nNumbers:\n {2}--half\n {2}--no-half +not --half\n\nEnvironment:\n {2}HOME {2}where caches are\n {2}A {5}b\n\nExit status: 0/);
});
