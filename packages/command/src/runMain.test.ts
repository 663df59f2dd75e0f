import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";

const built = fileURLToPath(new URL("../dist/index.js", import.meta.url));
const running = new Set<ReturnType<typeof spawn>>();
afterEach(() => running.forEach((child) => child.kill("SIGKILL")));

/** A program whose main is this body, run as a person runs it. */
function start(body: string, ...argv: string[]) {
  const program = `
    import { runMain, writeOutput, progress, CommandError } from ${JSON.stringify(built)};
    import { readFile, writeFile, rename } from "node:fs/promises";
    await runMain(async (argv, invocation) => { ${body} });`;
  const { INIT_CWD: _, ...env } = process.env;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, "--", "program", ...argv], { env });
  running.add(child);
  return child;
}

async function ended(child: ReturnType<typeof start>) {
  const [[exitCode], stdout, stderr] = await Promise.all([once(child, "close"), text(child.stdout), text(child.stderr)]);
  return { exitCode, stdout, stderr };
}

test("a program that is done exits with 0, even if something would keep it alive", async () => {
  const child = start(`setInterval(() => {}, 1000); await writeOutput(undefined, "x".repeat(1 << 20));`);
  const { exitCode, stdout, stderr } = await ended(child);
  expect({ exitCode, length: stdout.length, stderr }).toEqual({ exitCode: 0, length: 1 << 20, stderr: "" });
});

test.each("SHAPE FORMAT NOT_FOUND NETWORK UNSUPPORTED DISPOSED IO USAGE".split(" "))("%s: one line, exit 1, no stack", async (code) => {
  const child = start(`throw Object.assign(new Error("w: expected\\u001b[2J x\\ny"), { code: "${code}", remedy: "mend it" });`);
  expect(await ended(child)).toEqual({ exitCode: 1, stdout: "", stderr: "w: expected\\u001b[2J x\\ny — mend it\n" });
});

test("--debug shows the stack too", async () => {
  const { exitCode, stderr } = await ended(start(`throw new CommandError("USAGE", "no");`, "--debug"));
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^no\n.*CommandError: no\n +at /s);
});

test.each([
  ["thrown", `null.x;`],
  ["in a callback", `setTimeout(() => null.x); await new Promise((r) => setTimeout(r, 5000));`],
  ["in a promise that nobody awaits", `Promise.reject(new TypeError("Cannot read")); await new Promise((r) => setTimeout(r, 5000));`],
])("an error of ours, %s: stack, exit 70", async (_, body) => {
  const { exitCode, stderr } = await ended(start(body));
  expect(exitCode).toBe(70);
  expect(stderr).toMatch(/^internal error, please report it: TypeError: Cannot read.*\n +at /s);
});

test.each([
  [`await readFile("/no/such\\u0007file")`, "/no/such\\u0007file: no such file or directory\n"],
  [`await readFile("/")`, "read: illegal operation on a directory\n"],
  [`await rename("/no/such", "/no/other")`, "/no/such → /no/other: no such file or directory\n"],
])("what the system refuses is one line: %s", async (body, stderr) => {
  expect(await ended(start(body))).toEqual({ exitCode: 1, stdout: "", stderr });
});

test.runIf(process.platform === "linux")("a full disk is one line", async () => {
  const { exitCode, stderr } = await ended(start(`await writeFile("/dev/full", "x");`));
  expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: "write: no space left on device\n" });
});

test("a reader who has seen enough ends it quietly", async () => {
  const child = start(`for (;;) await writeOutput(undefined, "line\\n".repeat(1000));`);
  child.stdout.once("data", () => child.stdout.destroy());
  const [exitCode] = await once(child, "exit");
  expect(exitCode).toBe(0);
});

test("a slow reader holds the writer back", async () => {
  const child = start(`
    let written = 0;
    await writeOutput(undefined, (function* () { for (;;) { written += 65536; process.stderr.write(written + "\\n"); yield "x".repeat(65536); } })());`);
  let written = "";
  child.stderr.on("data", (chunk) => (written += chunk));
  await once(child.stderr, "data");
  await new Promise((done) => setTimeout(done, 500)); // without backpressure: hundreds of MB
  expect(Number(written.trim().split("\n").at(-1))).toBeLessThan(4 << 20);
});

test("Ctrl-C ends a program that does not heed it: 130", async () => {
  const child = start(`console.log("ready"); await new Promise((r) => setTimeout(r, 60000));`);
  const end = ended(child);
  await once(child.stdout, "data");
  child.kill("SIGINT");
  expect(await end).toMatchObject({ exitCode: 130, stderr: "" });
});

test("Ctrl-C lets a program that heeds it save, and it still ends with 130", async () => {
  const child = start(`setInterval(() => {}, 1000);
    const { signal } = invocation; console.log("ready");
    await new Promise((stop) => signal.addEventListener("abort", stop)); console.log("saved"); signal.throwIfAborted();`);
  const end = ended(child);
  await once(child.stdout, "data");
  child.kill("SIGINT");
  expect(await end).toMatchObject({ exitCode: 130, stderr: "", stdout: expect.stringContaining("saved") });
});

test("a second Ctrl-C does not wait", async () => {
  const child = start(`setInterval(() => {}, 1000);
    const { signal } = invocation; console.log("ready");
    signal.addEventListener("abort", () => console.log("saving")); await new Promise(() => {});`);
  await once(child.stdout, "data");
  child.kill("SIGINT");
  const end = ended(child);
  await once(child.stdout, "data");
  child.kill("SIGINT");
  expect(await end).toMatchObject({ exitCode: 130, stderr: "" });
});

test("what fails while saving is told", async () => {
  const child = start(`setInterval(() => {}, 1000);
    const { signal } = invocation; console.log("ready");
    await new Promise((stop) => signal.addEventListener("abort", stop));
    throw new CommandError("IO", "state: no room");`);
  const end = ended(child);
  await once(child.stdout, "data");
  child.kill("SIGINT");
  expect(await end).toMatchObject({ exitCode: 1, stderr: "state: no room\n" });
});
