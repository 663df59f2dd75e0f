import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { HubOptions } from "./hub.js";
import { HubError } from "./hubError.js";
import { proxyFetch } from "./proxyFetch.js";

/**
 * The options that huggingface_hub would take from the same environment (its constants.py and get_token, 2.4.0): HF_HOME,
 * XDG_CACHE_HOME, HF_HUB_CACHE, HUGGINGFACE_HUB_CACHE, HF_ENDPOINT, HF_TOKEN, HUGGING_FACE_HUB_TOKEN, HF_TOKEN_PATH or the
 * file `token`, HF_HUB_DISABLE_IMPLICIT_TOKEN, HF_HUB_OFFLINE, TRANSFORMERS_OFFLINE, HF_HUB_DISABLE_SYMLINKS,
 * HF_HUB_ETAG_TIMEOUT, HF_HUB_DOWNLOAD_TIMEOUT; the proxy variables; and one of our own, DICTLEARN_RETRY_MS.
 * @throws HubError USAGE for a value that cannot be meant, IO for a token file that cannot be read
 */
export function hubEnvironment(env: Record<string, string | undefined>): HubOptions {
  const home = env.HOME ?? env.USERPROFILE ?? homedir();
  const expand = (path: string) => expandPath(path, env, home);
  const hfHome = expand(env.HF_HOME ?? join(env.XDG_CACHE_HOME ?? join(home, ".cache"), "huggingface"));
  const token = implicitToken(env, expand(env.HF_TOKEN_PATH ?? join(hfHome, "token")));
  const fetch = proxyFetch(env);
  return {
    cache: expand(env.HF_HUB_CACHE ?? env.HUGGINGFACE_HUB_CACHE ?? join(hfHome, "hub")),
    ownCache: join(hfHome, "dictlearn"),
    offline: isTrue(env.HF_HUB_OFFLINE || env.TRANSFORMERS_OFFLINE),
    ...(env.HF_ENDPOINT && { endpoint: env.HF_ENDPOINT }),
    ...(token && { token }),
    ...(fetch && { fetch }),
    ...seconds(env, "HF_HUB_ETAG_TIMEOUT", "connectTimeout"),
    ...seconds(env, "HF_HUB_DOWNLOAD_TIMEOUT", "idleTimeout"),
    ...retryPause(env),
    ...(isTrue(env.HF_HUB_DISABLE_SYMLINKS) && { symlinks: false }),
  };
}

/** Those that people set most, for the help of an app. */
export const hubVariables = {
  HF_HOME: "where the Hugging Face cache is, shared with Python (default: ~/.cache/huggingface)",
  HF_TOKEN: "a token, for what is gated or private (or as `hf auth login` keeps it)",
  HF_HUB_OFFLINE: "1: use the cache and ask no server",
  HF_ENDPOINT: "another server than https://huggingface.co",
};

/** Python's spellings: 1, on, yes, true, in any case. */
function isTrue(value: string | undefined): boolean {
  return /^(?:1|on|yes|true)$/i.test(value ?? "");
}

function implicitToken(env: Record<string, string | undefined>, file: string): string | undefined {
  if (isTrue(env.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return undefined;
  return clean(env.HF_TOKEN || env.HUGGING_FACE_HUB_TOKEN) ?? clean(readToken(file));
}

const clean = (token: string | undefined) => token?.replace(/[\r\n]/g, "").trim() || undefined;

function readToken(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new HubError("IO", `${file}: expected a readable token file, got ${code}`, "set HF_TOKEN, or HF_HUB_DISABLE_IMPLICIT_TOKEN=1 to go without");
  }
}

/** `~`, `$NAME` and `${NAME}`; an unknown name stays, as in Python. */
function expandPath(path: string, env: Record<string, string | undefined>, home: string): string {
  return path.replace(/^~(?=$|[/\\])/, () => home).replace(/\$(?:(\w+)|\{([^}]*)\})/g, (whole, plain, braced) => env[plain ?? braced] ?? whole);
}

function seconds(env: Record<string, string | undefined>, name: string, option: "connectTimeout" | "idleTimeout"): Partial<HubOptions> {
  const text = env[name];
  if (!text) return {};
  if (!/^\d{1,6}$/.test(text.trim())) throw new HubError("USAGE", `${name}: expected whole seconds, got ${JSON.stringify(text)}`);
  return Number(text) === 0 ? {} : { [option]: Number(text) * 1000 }; // Python takes 0 for unset too
}

function retryPause({ DICTLEARN_RETRY_MS: text }: Record<string, string | undefined>): Pick<HubOptions, "retryPause"> {
  if (!text) return {};
  if (!/^\d{1,6}$/.test(text.trim())) throw new HubError("USAGE", `DICTLEARN_RETRY_MS: expected whole milliseconds, got ${JSON.stringify(text)}`);
  return { retryPause: Number(text) };
}
