import type { HubRepo } from "./hubServer.js";

const text = (content: string) => ({ bytes: new TextEncoder().encode(content) });

/** `length` bytes that no compression and no accident makes: the low byte of a 32-bit congruential generator. */
export function patternBytes(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0, state = seed >>> 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export const firstCommit = "1".repeat(40);
export const secondCommit = "2".repeat(40);
export const branchCommit = "3".repeat(40);

const config = text('{"model_type": "gpt_neox"}\n');
const weights = { bytes: patternBytes(300_000, 1), lfs: true };

/** The repositories of the recorded cache in oracles/hub, and of most tests. */
export function hubFixture(): Record<string, HubRepo> {
  return {
    "owner/tiny": {
      commits: {
        [firstCommit]: { "config.json": config, "model.safetensors": weights, ".gitattributes": text("*.safetensors filter=lfs\n") },
        [secondCommit]: { "config.json": text('{"model_type": "gpt_neox", "v": 2}\n'), "model.safetensors": weights, "sub/deep folder/übung.txt": text("a name with spaces and letters\n"), "empty.txt": text("") },
        [branchCommit]: { "config.json": config, "only-here.txt": text("of a pull request\n") },
      },
      refs: { main: secondCommit, v1: firstCommit, "refs/pr/1": branchCommit },
    },
    "owner/texts": {
      type: "dataset",
      commits: { [firstCommit]: { "data/train.jsonl": { bytes: patternBytes(500_000, 2), lfs: true }, "README.md": text("# texts\n") } },
      refs: { main: firstCommit },
    },
    "owner/private": { private: true, commits: { [firstCommit]: { "config.json": config } }, refs: { main: firstCommit } },
    "owner/gated": { gated: true, commits: { [firstCommit]: { "config.json": config, "model.safetensors": weights } }, refs: { main: firstCommit } },
    "owner/old-name": { renamedTo: "owner/private", commits: {}, refs: {} },
  };
}
