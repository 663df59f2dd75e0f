import { posix, win32 } from "node:path";
import { parseHubName } from "@dictlearn/hub";
import { checkPath, checkRef } from "../../../packages/hub/dist/names.js";
import { folderName } from "../../../packages/hub/dist/cacheLayout.js";
import { bytesOf, textOf } from "../json.js";

const parts = ["..", ".", "", "a", "a b", "a..b", "...", " ", "a.", "a ", "C:", "c:x", "\\", "..\\..", "\0", "\n", "%2e%2e", "%2F", "\u2025", "\uff0e\uff0e", "\u202e", "a\u0300", "\ud800", "~", "-", "--", "con", "nul.txt", "x".repeat(256), ".git", "@", "!", ".zip!", "refs", "pr", "main", "__proto__"];
const path = (random) => Array.from({ length: 1 + random.below(5) }, () => random.pick(parts)).join(random.pick(["/", "/", "\\", ""]));

/** Names of repositories, revisions and files. What is let through must stay below the folder that it is joined to, on every system. */
export const hubNames = {
  name: "hubNames",
  seeds: ["hf:EleutherAI/pythia-70m@refs/pr/1/config.json", "hf:datasets/a/b@main/x.zip!/a/b.pt", "hf:a/b@refs%2Fheads%2Fmy/a.txt"].map(bytesOf),
  tokens: [...parts, "/", "hf:", "hf://", "/../../", "@refs/convert/", ".zip!/"].map(bytesOf),
  make: (random) => bytesOf(`hf:${random.pick(["", "datasets/", "models/", "//"])}${random.below(2) === 0 ? "a/b" : path(random)}${random.below(2) === 0 ? `@${path(random)}` : ""}/${path(random)}`),
  async read(bytes) {
    const text = textOf(bytes);
    let refusal;
    let passed = false;
    const unless = (check) => {
      try {
        check();
        passed = true;
      } catch (error) {
        if (error.name !== "HubError") throw error;
        refusal = error;
      }
    };
    unless(() => {
      const name = parseHubName(text);
      expectInside(folderName(name));
      for (const part of [name.path, name.entry, name.revision]) if (part !== undefined) expectInside(part);
    });
    for (const tail of [text, text.slice(3)]) {
      unless(() => {
        checkPath(tail, "path");
        expectInside(tail);
      });
      unless(() => {
        checkRef({ repo: tail, revision: tail });
        expectInside(folderName({ repo: tail }));
      });
    }
    if (!passed) throw refusal;
  },
};

function expectInside(path) {
  for (const { join, sep } of [posix, win32]) {
    const root = join(sep, "cache", "repo");
    const joined = join(root, ...path.split("/"));
    if (!joined.startsWith(root + sep) || joined.includes("\0")) throw new Error(`a name that leaves its folder: ${JSON.stringify(path)} is ${joined}`);
  }
}
