import { CommandError } from "@dictlearn/command";
import { spawn } from "node:child_process";

/** Runs a process to its end. What it writes to file descriptor 3 is what it used: { peakMiB, cpuSeconds }. */
export function processOf(command, args) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe", "pipe"] });
    const [stdout, stderr, usage] = [1, 2, 3].map((i) => {
      const chunks = [];
      child.stdio[i].on("data", (chunk) => chunks.push(chunk));
      return () => Buffer.concat(chunks).toString();
    });
    let seconds;
    child.on("exit", () => (seconds = (performance.now() - start) / 1000));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve({ seconds, stdout: stdout(), ...JSON.parse(usage()) }) : reject(new CommandError("IO", `${command} ${args.join(" ")}: exit code ${code}\n${stderr()}`))));
  });
}
