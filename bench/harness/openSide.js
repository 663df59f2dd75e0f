import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** A process for our side of a case, or of one after another. @returns a function that asks: `await ask("turn")`, and `close` */
export const openOurs = () => openSide(process.execPath, [here("side.js")]);

/** The peer's side. */
export const openPeer = (python, name) => openSide(python, [here("side.py"), name]);

function openSide(command, args) {
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = new Promise((_, reject) => child.on("error", reject).on("exit", (code) => reject(new Error(`bench: expected an answer of ${[command, ...args].join(" ")}, got its end (exit code ${code})`))));
  ended.catch(() => {}); // its end after close is no news
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async ask(op, params) {
      child.stdin.write(`${JSON.stringify({ op, ...params })}\n`);
      const { value, done } = await Promise.race([lines.next(), ended]);
      return done ? ended : JSON.parse(value);
    },
    close: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null) return resolve();
        child.once("exit", resolve);
        child.stdin.end();
      }),
  };
}
