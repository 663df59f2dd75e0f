import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { oracle } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { hubEnvironment } from "./environment.js";

interface Recorded {
  env: Record<string, string>;
  cache: string;
  home: string;
  endpoint: string;
  token: string | null;
  offline: boolean;
  symlinks: boolean;
}
const recorded = JSON.parse(readFileSync(oracle("hub/environment.json"), "utf8")) as Recorded[];

test.each(recorded)("$env means what it means to huggingface_hub", ({ env, cache, home, endpoint, token, offline, symlinks }) => {
  const options = hubEnvironment({ HOME: "/home/ada", ...env });
  expect(options).toMatchObject({ cache, offline, ownCache: join(home, "dictlearn") });
  expect((options.endpoint ?? "https://huggingface.co").replace(/\/+$/, "")).toBe(endpoint);
  expect(options.token ?? null).toBe(token);
  expect(options.symlinks ?? true).toBe(symlinks);
});

test("the token file counts where no variable does, and never when implicit tokens are off", () => {
  const home = mkdtempSync(join(tmpdir(), "dictlearn-token-"));
  try {
    writeFileSync(join(home, "token"), "hf_file\n");
    writeFileSync(join(home, "other"), "hf_other");
    expect(hubEnvironment({ HF_HOME: home }).token).toBe("hf_file");
    expect(hubEnvironment({ HF_HOME: home, HF_TOKEN: "hf_env" }).token).toBe("hf_env");
    expect(hubEnvironment({ HF_HOME: home, HF_TOKEN_PATH: join(home, "other") }).token).toBe("hf_other");
    expect(hubEnvironment({ HF_HOME: home, HF_TOKEN_PATH: join(home, "none") }).token).toBeUndefined();
    expect(hubEnvironment({ HF_HOME: home, HF_HUB_DISABLE_IMPLICIT_TOKEN: "yes" }).token).toBeUndefined();
    expect(() => hubEnvironment({ HF_HOME: home, HF_TOKEN_PATH: home })).toThrow(expect.objectContaining({ code: "IO" }) as Error);
  } finally {
    rmSync(home, { recursive: true });
  }
});

test("timeouts are whole seconds", () => {
  expect(hubEnvironment({ HF_HUB_ETAG_TIMEOUT: "3", HF_HUB_DOWNLOAD_TIMEOUT: "60" })).toMatchObject({ connectTimeout: 3000, idleTimeout: 60_000 });
  expect(() => hubEnvironment({ HF_HUB_ETAG_TIMEOUT: "soon" })).toThrow("HF_HUB_ETAG_TIMEOUT: expected whole seconds");
});

test("the wait before a second try is whole milliseconds", () => {
  expect(hubEnvironment({ DICTLEARN_RETRY_MS: "20" })).toMatchObject({ retryPause: 20 });
  expect(() => hubEnvironment({ DICTLEARN_RETRY_MS: "0.5" })).toThrow("DICTLEARN_RETRY_MS: expected whole milliseconds");
});
