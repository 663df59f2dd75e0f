import { readFile } from "node:fs/promises";
import { setUpHub } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { HubError } from "./hubError.js";
import { openHub } from "./openHub.js";

/** The error of fetching a file, as a person sees it. */
async function refusal(read: Promise<unknown>): Promise<string> {
  const error = await read.then(
    () => undefined,
    (e: unknown) => e,
  );
  expect(error).toBeInstanceOf(HubError);
  const { code, message, remedy } = error as HubError;
  return `${code} ${message} -> ${remedy}`;
}

test("a private repository is read with its token, and looks like a missing one without", async () => {
  await using hub = await setUpHub();
  const ref = { repo: "owner/private" };
  expect(await readFile(await openHub({ ...hub.options, token: "hf_good" }).file(ref, "config.json"), "utf8")).toContain("gpt_neox");
  await using other = await setUpHub();
  expect(await refusal(openHub(other.options).file(ref, "config.json"))).toMatch(/^NOT_FOUND owner\/private: .* -> check the spelling .*set HF_TOKEN or run `hf auth login`$/);
  expect(await refusal(openHub({ ...other.options, token: "hf_other" }).file(ref, "config.json"))).toMatch(/^NOT_FOUND .* that this token may see -> .*the token's account needs access/);
  expect(await refusal(openHub(other.options).file({ repo: "owner/none" }, "x"))).toMatch(/^NOT_FOUND owner\/none: /);
  expect(await refusal(openHub(other.options).file({ repo: "owner/tiny", type: "dataset" }, "x"))).toMatch(/datasets\/owner\/tiny: expected a dataset repository/);
});

test("a gated repository says where its terms are", async () => {
  await using hub = await setUpHub();
  const ref = { repo: "owner/gated" };
  expect(await refusal(openHub(hub.options).file(ref, "config.json"))).toBe(
    `NOT_FOUND owner/gated: expected access, got a gated repository and no token -> accept its terms at ${hub.server.url}/owner/gated, then set HF_TOKEN or run \`hf auth login\``,
  );
  expect(await refusal(openHub({ ...hub.options, token: "hf_other" }).file(ref, "config.json"))).toMatch(/that this token has no access to -> accept its terms at .*\/owner\/gated with the account of the token/);
  await openHub({ ...hub.options, token: "hf_good" }).file(ref, "model.safetensors");
});

test("the token goes to the Hub, along its own redirects, and nowhere else", async () => {
  await using hub = await setUpHub();
  const opened = openHub({ ...hub.options, token: "hf_good" });
  await opened.file({ repo: "owner/gated" }, "model.safetensors");
  await opened.file({ repo: "owner/old-name" }, "config.json"); // renamed: a relative redirect to a private repository
  await opened.files({ repo: "owner/tiny" });
  const source = await opened.source({ repo: "owner/texts", type: "dataset" }, "data/train.jsonl");
  await source.slice(0, 10);
  await source.close();
  for (const { origin, authorization } of hub.server.requests) expect(authorization).toBe(origin === "hub" ? "Bearer hf_good" : undefined);
  expect(hub.server.requests.some(({ origin }) => origin === "cdn")).toBe(true);
});

test("missing revisions and files are told apart; a missing file is not asked for twice", async () => {
  await using hub = await setUpHub();
  const opened = openHub(hub.options);
  expect(await refusal(opened.file({ repo: "owner/tiny", revision: "v9" }, "config.json"))).toMatch(/^NOT_FOUND owner\/tiny: expected revision "v9", got none/);
  expect(await refusal(opened.file({ repo: "owner/tiny", revision: "f".repeat(40) }, "config.json"))).toMatch(/expected revision "f{40}"/);
  expect(await refusal(opened.file({ repo: "owner/tiny" }, "nope.json"))).toMatch(/^NOT_FOUND owner\/tiny: expected "nope.json" at revision main/);
  expect(await refusal(opened.files({ repo: "owner/tiny" }, { path: "no/folder" }))).toMatch(/^NOT_FOUND owner\/tiny: expected the asked path at main/);
  const before = hub.server.requests.length;
  await refusal(opened.file({ repo: "owner/tiny" }, "nope.json"));
  expect(hub.server.requests.length).toBe(before);
  expect(await readFile(await opened.file({ repo: "owner/tiny", revision: "refs/pr/1" }, "only-here.txt"), "utf8")).toBe("of a pull request\n");
});

test("no error, notice or cause repeats the token or a signature", async () => {
  await using hub = await setUpHub();
  const token = "hf_secret_0123456789";
  const said: string[] = [];
  const collect = (error: unknown): void => {
    for (let e = error; e instanceof Error; e = e.cause) said.push(`${e.message} ${(e as HubError).remedy} ${e.stack}`);
  };
  const options = { ...hub.options, token };
  await openHub(options).file({ repo: "owner/tiny" }, "config.json").catch(collect);
  const failing = (async () => Promise.reject(new TypeError(`Bearer ${token} is bad`, { cause: new Error(`Bearer ${token}`) }))) as typeof fetch;
  await openHub({ ...options, fetch: failing }).file({ repo: "owner/tiny" }, "config.json").catch(collect);
  hub.server.faults.push({ on: "cdn", status: 500 });
  await openHub({ ...hub.options, token: "hf_good" }).file({ repo: "owner/tiny" }, "model.safetensors").catch(collect);
  for (const bad of ["hf_secret_0123456789\n", "hf_secret_0123456789 ", "hf_secret_0123456789é"])
    try {
      openHub({ ...options, token: bad });
    } catch (error) {
      collect(error);
    }
  expect(said.length).toBeGreaterThanOrEqual(6);
  expect([...said, ...hub.notices].join("\n")).not.toMatch(/hf_secret|hf_good|signature=/);
});

test("a token that the Hub refuses says so", async () => {
  await using hub = await setUpHub();
  expect(await refusal(openHub({ ...hub.options, token: "hf_wrong" }).file({ repo: "owner/tiny" }, "config.json"))).toMatch(/^USAGE owner\/tiny: expected a valid token.* -> renew HF_TOKEN/);
});

test.each(["ftp://x", "not an address", "https://user:secret@x", "https://x?y=1"])("endpoint %s is refused", async (endpoint) => {
  await using hub = await setUpHub();
  expect(() => openHub({ ...hub.options, endpoint })).toThrow(expect.objectContaining({ code: "USAGE", message: expect.not.stringContaining("secret") as string }) as Error);
});
