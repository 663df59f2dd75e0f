import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { defineCommand } from "./defineCommand.js";
import { defineProgram } from "./defineProgram.js";

const invocation = { signal: new AbortController().signal };
const run = vi.fn();
const load = vi.fn(async () => defineCommand({ name: "convert", version: "1.0.0", summary: "Writes another format.", examples: ["convert --to saelens"], flags: z.object({ to: z.string().optional() }), run }));
const program = defineProgram({
  name: "dictlearn",
  version: "2.0.0",
  summary: "Dictionary learning.",
  commands: { convert: { summary: "another format", load }, train: { summary: "a dictionary", load: () => Promise.reject(new Error("not to be loaded")) } },
  examples: ["dictlearn train"],
  environment: { HF_HOME: "the cache" },
});

afterEach(() => {
  vi.restoreAllMocks();
  run.mockReset();
  load.mockClear();
});

async function printed(...argv: string[]): Promise<string> {
  const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  await program(argv, invocation);
  return write.mock.calls.map(([text]) => text).join("");
}

test("the first word chooses; the rest is the command's", async () => {
  await program(["convert", "--to", "saelens"], invocation);
  expect(run.mock.lastCall![0]).toEqual({ to: "saelens" });
});

test.each([[], ["--help"], ["-h"], ["help"]])("help lists the commands and loads none: %s", async (...argv) => {
  expect(await printed(...argv)).toMatch(/Usage: dictlearn <command>[^]*convert {2}another format[^]*train {4}a dictionary[^]*\$ dictlearn train\n\nEnvironment:\n {2}HF_HOME {2}the cache\n\nExit status: 0 /);
  expect(load).not.toHaveBeenCalled();
});

test("a command's help and errors name it as it was called", async () => {
  for (const argv of [["convert", "--help"], ["help", "convert"]]) expect(await printed(...argv)).toMatch(/Usage: dictlearn convert [^]*\$ dictlearn convert --to saelens/);
  await expect(program(["convert", "--form", "x"], invocation)).rejects.toMatchObject({ code: "USAGE", remedy: "dictlearn convert --help lists the flags" });
});

test("an unknown command is told with the nearest; an object's own words are no commands", async () => {
  await expect(program(["trian"], invocation)).rejects.toMatchObject({ code: "USAGE", message: 'dictlearn: expected one of convert, train, got "trian" (did you mean train?)' });
  await expect(program(["toString"], invocation)).rejects.toMatchObject({ code: "USAGE" });
});

test("--version", async () => {
  expect(await printed("--version")).toBe("2.0.0\n");
});
