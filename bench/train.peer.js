// dictionary_learning in a Python process of its own (train.py), asked one question at a time.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** @returns its versions, and a function that asks: `await peer.ask("train", { ... })` */
export async function openPeer(python) {
  const child = spawn(python, [fileURLToPath(new URL("train.py", import.meta.url))], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((_, reject) => child.on("error", reject).on("exit", (code) => reject(new Error(`bench: expected an answer of ${python} train.py, got its end (exit code ${code})`))));
  ended.catch(() => {}); // its end after close is no news
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await Promise.race([lines.next(), ended]);
    return done ? ended : JSON.parse(value);
  };
  const versions = await answer();
  return {
    versions,
    ask(op, request) {
      child.stdin.write(`${JSON.stringify({ op, ...request })}\n`);
      return answer();
    },
    close: () => child.stdin.end(),
  };
}
