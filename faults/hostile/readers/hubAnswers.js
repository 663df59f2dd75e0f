import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openHub } from "@dictlearn/hub";
import { bytesOf, jsonTokens, oddCopy, oddJson, textOf } from "../json.js";

const content = "{}";
const sha1 = createHash("sha1").update(`blob ${content.length}\0${content}`).digest("hex");
const answers = {
  commit: { sha: "0123456789abcdef0123456789abcdef01234567" },
  list: [{ type: "file", path: "config.json", size: 2, oid: sha1 }, { type: "file", path: "a/b.json", size: 2, oid: sha1 }],
  etag: `"${sha1}"`,
  size: "2",
  location: "/x/y/resolve/main/z",
  content,
};
const names = ["../../../outside", "/outside", "a/../../b", "..\\..\\outside", "C:\\outside", "a\u0000b", "a\nb", "x".repeat(5000), "\u202e", "refs/../../x", "W/\"..\"", ".", "..", "a/b", "CACHEDIR.TAG", "-rf", "%2e%2e%2f", "\ud800"];

/** What a server that calls itself a Hub answers: commits, lists, etags, sizes, redirects, contents. All that it makes us write stays in the cache. */
export function openHubAnswers() {
  const root = mkdtempSync(join(tmpdir(), "hub-"));
  const inside = join(root, "inside");
  return {
    name: "hubAnswers",
    limit: 16 * 2 ** 20, // some thirty requests, tries again among them, each with an address of 5 KB: 2 to 5 MB until it is collected, none is kept
    seeds: [bytesOf(JSON.stringify(answers))],
    tokens: [...jsonTokens, ...names.map((name) => bytesOf(JSON.stringify(name)))],
    make(random) {
      const odd = random.below(3) === 0 ? oddCopy(answers, random) : { ...answers };
      const key = random.pick(Object.keys(answers));
      const name = random.pick(names);
      if (random.below(2) === 0 && typeof odd === "object" && odd !== null) odd[key] = key === "list" ? [{ type: "file", path: name, size: 2 }, ...answers.list] : key === "commit" ? { sha: name } : name;
      return bytesOf(oddJson(odd, random));
    },
    async read(bytes) {
      let told;
      try {
        told = JSON.parse(textOf(bytes));
      } catch {
        told = textOf(bytes);
      }
      rmSync(inside, { recursive: true, force: true });
      mkdirSync(inside, { recursive: true });
      const hub = openHub({ cache: join(inside, "cache"), ownCache: join(inside, "own"), endpoint: "http://hub.test", retryPause: 0, connectTimeout: 500, idleTimeout: 500, fetch: fetchOf(told) });
      const ref = { repo: "x/y" };
      let refusal;
      const attempt = async (action) => {
        try {
          return await action();
        } catch (error) {
          if (error.name !== "HubError") throw error;
          refusal = error;
        }
      };
      const files = (await attempt(() => hub.files(ref))) ?? [];
      for (const path of ["config.json", ...files.slice(0, 3).map(({ path }) => path)]) await attempt(() => hub.file(ref, path));
      const seen = [...readdirSync(root), ...readdirSync(inside).sort()];
      if (seen.some((name) => !["inside", "cache", "own"].includes(name))) throw new Error(`files outside of the cache: ${seen}`);
      if (refusal) throw refusal;
    },
    close: () => rmSync(root, { recursive: true, force: true }),
  };
}

function fetchOf(told) {
  const { commit, list, etag, size, location, content: body } = typeof told === "object" && told !== null ? told : { commit: told, list: told, content: told };
  const headers = new Headers();
  const set = (name, value) => {
    try {
      if (value !== undefined) headers.set(name, typeof value === "string" ? value : JSON.stringify(value));
    } catch {
      // a header that no server can send
    }
  };
  set("etag", etag);
  set("x-linked-size", size);
  return async (url, { method }) => {
    const { pathname } = new URL(url);
    if (pathname.includes("/revision/")) return new Response(JSON.stringify(commit) ?? "", { headers: { "content-type": "application/json" } });
    if (pathname.includes("/tree/")) return new Response(JSON.stringify(list) ?? "", { headers: { "content-type": "application/json" } });
    if (typeof location === "string" && location !== answers.location && /^[\x20-\x7e]*$/.test(location)) return new Response(null, { status: 307, headers: { location } });
    return new Response(method === "HEAD" ? null : (typeof body === "string" ? body : (JSON.stringify(body) ?? "")), { headers });
  };
}
