import { execFile } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type SentenceReport, type SweepAnalysis, type SweepRow, type TokenRow } from "@dictlearn/report";
import { CommandProcess, oracle } from "@dictlearn/testing";
import { afterAll, describe, expect, test } from "vitest";

const kept = new CommandProcess(new URL("../dist/command.js", import.meta.url), new URL(import.meta.resolve("@dictlearn/command")));
afterAll(() => kept.close());
const at = (path: string) => fileURLToPath(oracle(path));
const cwd = mkdtempSync(join(tmpdir(), "readings-"));
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const env = { ...(Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(INIT_CWD|HF_|.*_proxy$)/i.test(name))) as Record<string, string>), HF_ENDPOINT: "http://127.0.0.1:9", HF_HOME: join(cwd, "hf") };
const run = (args: readonly string[]) => kept.run({ args: ["--device", "cpu", "--threads", "1", "--model", at("sparse-rep/model"), ...args], cwd, env });

/** A dictionary of the small model in a folder, with what its config says of where it belongs. */
function dictionary(folder: string, site?: string): string {
  mkdirSync(join(cwd, folder), { recursive: true });
  copyFileSync(at("sparse-rep/ae.pt"), join(cwd, folder, "ae.pt"));
  if (site !== undefined) writeFileSync(join(cwd, folder, "config.json"), JSON.stringify({ trainer: { dict_class: "AutoEncoder", submodule_name: site } }));
  return folder;
}

const sites = ["layers.0.resid_post", "layers.2.resid_post", "layers.3.mlp_out"];
const folders = ["out/resid_post_layer_0/trainer_0", "out/resid_post_layer_2/trainer_0", "out/mlp_out_layer_3/trainer_0"].map((folder) => dictionary(folder, folder.split("/")[1]));
dictionary("out/earlier-1/resid_post_layer_0/trainer_0", "resid_post_layer_0");
mkdirSync(join(cwd, "out/state/step-9"), { recursive: true });
const sentences = ["The lamp is on the table.", '"It’s naïve—über café 😀…, she said"', '""', "<|endoftext|>", "then the river ran on and on and stopped."];
writeFileSync(join(cwd, "sentences.csv"), `sentence\n${sentences.join("\n")}\n`);
writeFileSync(join(cwd, "two.csv"), "sentence\n<|endoftext|>\nOk\n");

const lines = <Row>(text: string): Row[] => text.trimEnd().split("\n").map((line) => JSON.parse(line) as Row);

describe("several sites and dictionaries in one pass", () => {
  test("say of each what a run with it alone says, in every format", async () => {
    const alone = await Promise.all(folders.map((folder) => run(["--dictionary", folder, "--top", "3", "--format", "jsonl"])));
    const expected = sentences.flatMap((_, s) => alone.map(({ stdout }, i) => ({ site: sites[i], dictionary: folders[i], ...lines<SentenceReport>(stdout)[s] })));
    const [jsonl, json, csv, all] = await Promise.all([["jsonl"], ["json"], ["csv"], ["jsonl", "--sites", "all"]].map(([format, ...more]) => run(["--dictionary", "out", "--top", "3", "--format", format, ...more])));
    expect(jsonl.stdout).toBe(expected.map((row) => `${JSON.stringify(row)}\n`).join(""));
    expect(all.stdout).toBe(jsonl.stdout);
    expect((JSON.parse(json.stdout) as SweepAnalysis).sentences).toEqual(expected);

    const each = await Promise.all(folders.map((folder) => run(["--dictionary", folder, "--top", "3", "--format", "csv"])));
    const [header, ...rows] = each.map(({ stdout }) => stdout.split("\n")).reduce<string[]>((joined, own, i, files) => (i > 0 ? joined : [`site,dictionary,${own[0]}`, ...own.slice(1, -1).flatMap((_, s) => files.map((file, r) => `${sites[r]},${folders[r]},${file[s + 1]}`))]), []);
    expect(csv.stdout).toBe(`${[header, ...rows].join("\n")}\n`);
  });

  test("stand in the table and in markdown with their site and dictionary", async () => {
    const [table, markdown] = await Promise.all(["table", "markdown"].map((format) => run(["--dictionary", "out", "--site", sites[0], "--site", sites[2], "--format", format])));
    expect(table.stdout.split("\n")[1].split("|").slice(1, 4).map((cell) => cell.trim())).toEqual(["Sentence", "Site", "Dictionary"]);
    expect(markdown.stdout.split("\n")[3]).toMatch(/^\| The lamp is on the table. \| layers.3.mlp\\_out \| out\/mlp\\_out\\_layer\\_3\/trainer\\_0 \|/);
  });

  test("are told with their metrics in JSON: tokens, L0, FVE and cosine of each", async () => {
    const { stdout } = await run(["--dictionary", "out", "--format", "json"]);
    const { readings } = JSON.parse(stdout) as SweepAnalysis;
    expect(readings.map(({ site, dictionary, D, F }) => [site, dictionary, D, F])).toEqual(sites.map((site, i) => [site, folders[i], 32, 96]));
    const tokens = (await run(["--dictionary", folders[0], "--format", "jsonl"])).stdout;
    for (const { metrics } of readings) {
      expect(metrics!.tokens).toBe(lines<SentenceReport>(tokens).reduce((sum, row) => sum + row.tokens, 0));
      expect(metrics!.l0).toBeGreaterThan(0);
      expect(metrics!.frac_variance_explained).toBeLessThan(1);
      expect(Math.abs(metrics!.cossim)).toBeLessThanOrEqual(1);
    }
  });

  test("--sites all of one dictionary is a comparison too; one reading alone has no columns for it", async () => {
    const [all, one] = await Promise.all([["--sites", "all"], []].map((more) => run(["--dictionary", folders[0], "--format", "jsonl", ...more])));
    expect(lines<SweepRow>(all.stdout)[0]).toMatchObject({ site: sites[0], dictionary: folders[0] });
    expect(Object.keys(lines<SweepRow>(one.stdout)[0])[0]).toBe("sentence");
  });
});

describe("a dictionary's site", () => {
  const siteOf = async (args: readonly string[]) => {
    const { stdout, stderr, code } = await run([...args, "--format", "json"]);
    return { site: code === 0 ? ((JSON.parse(stdout) as { site: string }).site ?? (JSON.parse(stdout) as SweepAnalysis).readings.map(({ site }) => site)) : stderr, stderr };
  };

  test("is what its config says, else its folder, else what --site says, else the default", async () => {
    expect((await siteOf(["--dictionary", folders[1]])).site).toBe(sites[1]);
    expect((await siteOf(["--dictionary", dictionary("layers.1.mlp")])).site).toBe("layers.1.mlp_out");
    expect((await siteOf(["--dictionary", dictionary("embed/plain")])).site).toBe("layers.3.mlp_out");
    dictionary("plain");
    expect((await siteOf(["--dictionary", "plain", "--site", "embed"])).site).toBe("embed");
    expect((await siteOf(["--dictionary", dictionary("resid_post_layer_1/of_another", "blocks.2.hook_mlp_out")])).site).toBe("layers.2.mlp_out");
  });

  test("is what --site says of a single one, with a line where its config says otherwise", async () => {
    const { site, stderr } = await siteOf(["--dictionary", folders[1], "--site", "mlp_out_layer3"]);
    expect(site).toBe("layers.3.mlp_out");
    expect(stderr).toMatch(/^out\/resid_post_layer_2\/trainer_0: trained at layers\.2\.resid_post, read at layers\.3\.mlp_out as --site says$/m);
  });

  test("is what it is paired with: the same dictionary at two sites, in the order of the layers", async () => {
    expect((await siteOf(["--dictionary", "layers.3.mlp_out=plain", "--dictionary", "resid_post_layer_1=plain", "--dictionary", folders[1]])).site).toEqual(["layers.1.resid_post", "layers.2.resid_post", "layers.3.mlp_out"]);
  });

  test("a path with = in it is a path", async () => {
    dictionary("lr=0.001", "resid_post_layer_1");
    expect((await siteOf(["--dictionary", "lr=0.001"])).site).toBe("layers.1.resid_post");
  });
});

describe("what does not go together is one line that says what was found, and nothing is written", () => {
  const cases: { name: string; args: string[]; says: RegExp }[] = [
    { name: "a site without a dictionary", args: ["--dictionary", "out", "--site", sites[0], "--site", "layers.1.mlp_out"], says: /^layers\.1\.mlp_out: expected a dictionary for this site, got some for layers\.0\.resid_post, layers\.2\.resid_post and layers\.3\.mlp_out — name one \(--dictionary layers\.1\.mlp_out=PATH\)/ },
    { name: "a dictionary for another site", args: ["--dictionary", folders[0], "--dictionary", folders[1], "--site", sites[0]], says: /^out\/resid_post_layer_2\/trainer_0: expected a dictionary for layers\.0\.resid_post, got one for layers\.2\.resid_post — add --site/ },
    { name: "a site twice", args: ["--dictionary", "out", "--site", sites[0], "--site", "resid_post_layer_0"], says: /^--site: expected each site once, got layers\.0\.resid_post twice/ },
    { name: "a dictionary twice", args: ["--dictionary", folders[0], "--dictionary", `./${folders[0]}/ae.pt`], says: /^--dictionary: expected each dictionary once at a site, got \.\/out.* twice at layers\.0\.resid_post/ },
    { name: "a dictionary that names no site, among several", args: ["--dictionary", folders[0], "--dictionary", dictionary("nameless")], says: /^nameless: expected a site for this dictionary, got a config that names none — say which: --dictionary layers\.3\.mlp_out=nameless/ },
    { name: "a dictionary for a layer that the model has not", args: ["--dictionary", folders[0], "--dictionary", dictionary("deep", "resid_post_layer_17")], says: /^deep: expected a site for this dictionary, got "resid_post_layer_17", which is none of / },
    { name: "dictionaries of different D", args: ["--dictionary", folders[0], "--dictionary", "demo"], says: /^demo: expected D = 32 \(layers\.3\.mlp_out of .*\), got D = 192/ },
    { name: "a pair with a site that is none", args: ["--dictionary", "layers.1.mpl_out=plain"], says: /site: expected one of .* got "layers\.1\.mpl_out" — did you mean layers\.1\.mlp_out/ },
    { name: "--sites all and --site", args: ["--dictionary", "out", "--sites", "all", "--site", sites[0]], says: /^--sites all: expected no --site/ },
    { name: "another word than all", args: ["--sites", "some"], says: /^--sites: expected all, got "some"/ },
    { name: "a folder without a dictionary", args: ["--dictionary", "out/state"], says: /^out\/state: expected a dictionary .* got none of them/ },
    { name: "tokens in a format that is none", args: ["--dictionary", folders[0], "--per-token", "tokens.txt"], says: /^--per-token: expected a file ending in \.jsonl, \.csv, \.parquet, got "tokens\.txt"/ },
    { name: "tokens in a folder that is not there", args: ["--dictionary", folders[0], "--per-token", "nowhere/tokens.csv"], says: /nowhere/ },
    { name: "two results in one file", args: ["--dictionary", folders[0], "--out", "same.csv", "--per-token", "./same.csv"], says: /^--per-token: expected a file of its own, got \.\/same\.csv, which another flag names too/ },
    { name: "a report that is there", args: ["--dictionary", folders[0], "--report", "two.csv"], says: /^--report: expected a new file, got two\.csv, which is there — --force replaces it/ },
  ];
  test.each(cases)("$name", async ({ args, says }) => {
    const before = readdirSync(cwd);
    const { code, stdout, stderr } = await run(["--quiet", ...args]);
    expect({ code, stdout, lines: stderr.match(/\n/g)?.length, left: readdirSync(cwd) }).toEqual({ code: 1, stdout: "", lines: 1, left: before });
    expect(stderr).toMatch(says);
  });
});

describe("--per-token", () => {
  test("writes every token: as text they are the sentence; one token alone has the features of its sentence", async () => {
    const { stdout } = await run(["two.csv", "--dictionary", folders[0], "--top", "96", "--format", "jsonl", "--per-token", "tokens.jsonl"]);
    const tokens = lines<TokenRow>(readFileSync(join(cwd, "tokens.jsonl"), "utf8"));
    const [first] = lines<SentenceReport>(stdout);
    const ascending = [...first.top].sort((a, b) => a.feature - b.feature);
    expect(tokens[0]).toEqual({ sentence: 0, position: 0, token_id: 0, token: "<|endoftext|>", features: ascending.map(({ feature }) => feature), values: ascending.map(({ weight }) => weight) });
    expect(tokens.filter(({ sentence }) => sentence === 1).map(({ token }) => token).join("")).toBe("Ok");
  });

  test("of several readings has site and dictionary, and what each alone would have", async () => {
    await run(["--dictionary", "out", "--per-token", "all.jsonl", "--quiet"]);
    const all = lines<TokenRow>(readFileSync(join(cwd, "all.jsonl"), "utf8"));
    for (const [i, folder] of folders.entries()) {
      await run(["--dictionary", folder, "--per-token", "one.jsonl", "--quiet"]);
      expect(all.filter(({ site }) => site === sites[i])).toEqual(lines<TokenRow>(readFileSync(join(cwd, "one.jsonl"), "utf8")).map((row) => ({ site: sites[i], dictionary: folder, ...row })));
    }
  });

  test("leaves nothing where the run fails, and what was there", async () => {
    writeFileSync(join(cwd, "there.csv"), "before");
    const { code } = await run(["--dictionary", folders[0], "--per-token", "there.csv", "--out", "nowhere/table.txt"]);
    expect([code, readFileSync(join(cwd, "there.csv"), "utf8"), readdirSync(cwd).filter((name) => name.includes(".part"))]).toEqual([1, "before", []]);
  });
});

describe("--report", () => {
  test("compares the readings: its numbers are those of --format json", async () => {
    const { code, stdout } = await run(["--dictionary", "out", "--format", "json", "--top", "5", "--report", "page.html"]);
    expect(code).toBe(0);
    const page = readFileSync(join(cwd, "page.html"), "utf8");
    const { readings, sentences } = JSON.parse(stdout) as SweepAnalysis;
    for (const { metrics } of readings) for (const value of Object.values(metrics!)) expect(page).toContain(`<data value="${value}">`);
    for (const { top } of sentences) for (const { feature, weight } of top) expect(page).toContain(`<b>${feature}</b> <data value="${weight}">`);
    expect((await run(["two.csv", "--dictionary", "out", "--report", "page.html", "--quiet"])).code).toBe(1);
    expect((await run(["two.csv", "--dictionary", "out", "--report", "page.html", "--quiet", "--force"])).code).toBe(0);
    expect(readFileSync(join(cwd, "page.html"), "utf8")).not.toBe(page);
  });
});

test("sentences from a pipe are read as they come, also under padded-mean", async () => {
  const main = join(dirname(fileURLToPath(import.meta.url)), "../dist/main.cjs");
  const args = ["--device", "cpu", "--model", at("sparse-rep/model"), "--dictionary", "plain", "--pooling", "padded-mean", "--format", "jsonl", "--quiet"];
  const piped = await promisify(execFile)("bash", ["-c", `cat sentences.csv | "${process.execPath}" "${main}" /dev/stdin ${args.map((arg) => `"${arg}"`).join(" ")}`], { cwd, env });
  expect(piped.stdout).toBe((await run(["sentences.csv", ...args.slice(4)])).stdout);
  expect(existsSync(join(cwd, "plain"))).toBe(true);
});
