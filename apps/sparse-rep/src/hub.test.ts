import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandProcess, firstCommit, oracle, patternBytes, secondCommit, startHubServer, storedZip, type HubFile, type HubServer, type Ran } from "@dictlearn/testing";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";

const app = fileURLToPath(new URL("../dist/main.cjs", import.meta.url));
const kept = new CommandProcess(new URL("../dist/command.js", import.meta.url), new URL(import.meta.resolve("@dictlearn/command")));
afterAll(() => kept.close());
const at = (path: string) => fileURLToPath(oracle(`sparse-rep/${path}`));
const temporary = mkdtempSync(join(tmpdir(), "sparse-rep-hub-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));

const files = (folder: string): Record<string, HubFile> =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, { bytes: readFileSync(join(folder, name)), lfs: name.endsWith(".safetensors") }]));
const model = files(at("model"));
const config = Buffer.from(JSON.stringify({ trainer: { dict_class: "AutoEncoder" } }));
const run10 = "dictionaries/pythia-70m-deduped/mlp_out_layer3/10_32768";
const archive = storedZip({
  "dictionaries/pythia-70m-deduped/mlp_out_layer2/10_32768/ae.pt": patternBytes(3_000_000, 5),
  [`${run10}/config.json`]: config,
  [`${run10}/ae.pt`]: readFileSync(at("ae.pt")),
  "dictionaries/pythia-70m-deduped/resid_out_layer3/10_32768/ae.pt": patternBytes(3_000_000, 6),
});
const dictionaries = { "dictionaries_pythia-70m-deduped_10.zip": { bytes: archive, lfs: true }, "mine/ae.pt": { bytes: readFileSync(at("ae.pt")), lfs: true }, "mine/config.json": { bytes: config } };

let server: HubServer;
let here: string;
beforeEach(async () => {
  here = mkdtempSync(join(temporary, "here-"));
  server = await startHubServer({
    "EleutherAI/pythia-70m-deduped": { commits: { [firstCommit]: model, [secondCommit]: { ...model, "tokenizer.json": { bytes: Buffer.from("{") } } }, refs: { main: firstCommit, broken: secondCommit } },
    "saprmarks/pythia-70m-deduped-saes": { commits: { [firstCommit]: dictionaries }, refs: { main: firstCommit } },
    "some/gated": { gated: true, commits: { [firstCommit]: model }, refs: { main: firstCommit } },
  });
});
afterEach(() => server.close());

const environment = (env: Record<string, string>) => ({ ...(Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(INIT_CWD|HF_|.*_proxy$)/i.test(name))) as Record<string, string>), HF_ENDPOINT: server.url, HF_HOME: join(here, "home"), HF_HUB_ETAG_TIMEOUT: "60", ...env });

/** The app where a person stands, with a home of its own. */
const run = (args: readonly string[], env: Record<string, string> = {}) => kept.run({ args: ["--device", "cpu", "--threads", "1", ...args], cwd: here, env: environment(env) });

/** The same as a shell would. */
function start(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const child = spawn(process.execPath, [app, "--device", "cpu", ...args], { cwd: here, env: environment(env) });
  const texts = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text) => (texts.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (texts.stderr += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, ...texts }));
  });
}

const csv = at("sentences.csv");

describe("with nothing named", () => {
  test("model and dictionary come from the Hub, of the archive one entry; then nothing more is fetched, and no network is needed", async () => {
    const local = await run([csv, "--model", at("model"), "--dictionary", at("ae.pt"), "--top", "5", "--format", "csv"]);
    expect(server.bytesSent()).toBe(0);

    const first = await start([csv, "--top", "5", "--format", "csv"]);
    expect(first).toMatchObject({ code: 0, stdout: local.stdout });
    const fetched = server.bytesSent();
    expect(fetched).toBeLessThan(900_000); // the archive has 6 MB
    expect(first.stderr).not.toContain("demo");

    expect(await run([csv, "--top", "5", "--format", "csv"])).toEqual(first);
    expect(server.bytesSent()).toBe(fetched);

    const before = server.requests.length;
    const offline = await start([csv, "--top", "5", "--format", "csv"], { HF_HUB_OFFLINE: "1" });
    expect(offline).toMatchObject({ code: 0, stdout: local.stdout });
    expect(server.requests.length).toBe(before);
  });

  test.each([["nothing answers", { HF_ENDPOINT: "http://127.0.0.1:9" }], ["offline is set and nothing cached", { HF_HUB_OFFLINE: "1" }]])("where %s: one plain line, and the demo", async (_, env) => {
    const { code, stdout, stderr } = await run([csv, "--format", "json"], env);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ model: "demo", dictionary: "demo" });
    expect(stderr.match(/^.*bundled demo.*$/gm)).toEqual([expect.stringMatching(/^model and dictionary: the Hugging Face Hub is out of reach \(/)]);
  });

  test("a Hub that takes the connection and says nothing is given up: the demo", async () => {
    server.faults.push({ hang: "headers" });
    const { code, stdout } = await start([csv, "--format", "json"], { HF_HUB_ETAG_TIMEOUT: "1" });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ model: "demo", dictionary: "demo" });
  });

  test("what the Hub refuses is an error, not the demo", async () => {
    server.faults.push({ match: /pythia-70m-deduped\/resolve.*config\.json/, status: 404, headers: { "x-error-code": "EntryNotFound" } });
    const { code, stdout, stderr } = await run([csv]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/config\.json/);
  });
});

describe("by name", () => {
  const named = ["--model", "EleutherAI/pythia-70m-deduped", "--dictionary", "hf:saprmarks/pythia-70m-deduped-saes@main/mine"];

  test("a model at a revision, a dictionary's folder in a repository", async () => {
    const [local, remote] = [await run([csv, "--model", at("model"), "--dictionary", at("ae.pt"), "--format", "json"]), await run([csv, ...named, "--revision", firstCommit, "--format", "json"])];
    expect(remote.code).toBe(0);
    expect(JSON.parse(remote.stdout)).toEqual({ ...JSON.parse(local.stdout), model: `EleutherAI/pythia-70m-deduped@${firstCommit}`, dictionary: "hf:saprmarks/pythia-70m-deduped-saes@main/mine" });
  });

  const cases: { name: string; args: string[]; env?: Record<string, string>; says: RegExp }[] = [
    { name: "another revision, whose tokenizer is broken", args: ["--revision", "broken"], says: /^EleutherAI\/pythia-70m-deduped@broken\/tokenizer\.json: expected JSON/ },
    { name: "a revision that is not there", args: ["--revision", "step17"], says: /step17/ },
    { name: "a repository that is not there", args: ["--model", "some/thing"], says: /some\/thing/ },
    { name: "a gated model", args: ["--model", "some/gated"], says: /some\/gated.*--model demo --dictionary demo/ },
    { name: "a gated model with a token that may not", args: ["--model", "some/gated"], env: { HF_TOKEN: "hf_other" }, says: /some\/gated/ },
    { name: "a token that is not valid", args: [], env: { HF_TOKEN: "hf_secret123" }, says: /./ },
    { name: "an entry that is not in the archive", args: ["--dictionary", "hf:saprmarks/pythia-70m-deduped-saes/dictionaries_pythia-70m-deduped_10.zip!/mlp_out_layer9/10_32768"], says: /mlp_out_layer9\/10_32768\/ae\.pt/ },
    { name: "the end of two entries", args: ["--dictionary", "hf:saprmarks/pythia-70m-deduped-saes/dictionaries_pythia-70m-deduped_10.zip!/10_32768"], says: /expected entry "10_32768\/ae\.pt", got 3 that end so — near ones: .*mlp_out_layer3\/10_32768\/ae\.pt/ },
    { name: "a revision of a folder", args: ["--model", at("model"), "--revision", "main"], says: /expected no revision, since it is a folder on this machine, got "main"/ },
    { name: "nothing answers", args: [], env: { HF_ENDPOINT: "http://127.0.0.1:9" }, says: /expected an answer.*the cache was looked for at .*home.*hf download.*--model demo --dictionary demo/ },
    { name: "offline, and not cached", args: [], env: { HF_HUB_OFFLINE: "1" }, says: /offline is set.*home.*--model demo --dictionary demo/ },
  ];
  test.each(cases)("$name: one line, exit code 1, no token in it", async ({ args, env, says }) => {
    const { code, stdout, stderr } = await run([csv, ...named, ...args, "--quiet"], env);
    expect({ code, stdout, lines: stderr.match(/\n/g)?.length }).toEqual({ code: 1, stdout: "", lines: 1 });
    expect(stderr).toMatch(says);
    expect(stderr).not.toMatch(/hf_|signature=/);
  });

  test.each([true, false])("what takes long is shown in bytes (--quiet: %s)", async (quiet) => {
    server.faults.push({ on: "cdn", match: /./, pause: 2500, times: 1 });
    const { code, stderr } = await start([csv, ...named, ...(quiet ? ["--quiet"] : []), "--format", "csv"]);
    expect(code).toBe(0);
    if (quiet) expect(stderr).toBe("");
    else expect(stderr).toMatch(/^fetching: \d+% \d\.\d\/\d\.\d MB, \d\.\d MB\/s/m);
  });

  test("a gated model with a token that may, from the environment or its file", async () => {
    const args = [csv, "--model", "some/gated", "--dictionary", at("ae.pt"), "--format", "csv"];
    expect(await run(args, { HF_TOKEN: "hf_good" })).toMatchObject({ code: 0 });
    expect(server.requests.filter(({ origin, authorization }) => origin === "cdn" && authorization !== undefined)).toEqual([]);
  });
});
