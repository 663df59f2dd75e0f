import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const mainOf = (name) => fileURLToPath(new URL(`../../apps/${name}/dist/main.cjs`, import.meta.url));
export const disk = fileURLToPath(new URL("disk.js", import.meta.url));

/** This process's environment without anybody's Hub, token, proxy or place. */
export function environment(added = {}) {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(INIT_CWD|HF_|FAULTS_|.*_proxy$)/i.test(name));
  return { ...Object.fromEntries(inherited), HF_ENDPOINT: "http://127.0.0.1:9", ...added };
}

/**
 * Starts `train` or `sparse-rep` as a shell would.
 * @param options.plan of a disk that fails: see disk.js
 */
export function startApp(name, args, { cwd, env = {}, plan }) {
  const began = performance.now();
  const child = spawn(process.execPath, [...(plan ? ["--import", disk] : []), mainOf(name), ...args], { cwd, env: environment({ ...env, ...(plan && { FAULTS_DISK: JSON.stringify(plan) }) }) });
  const texts = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"]) child[stream].setEncoding("utf8").on("data", (text) => (texts[stream] += text));
  const ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, ms: performance.now() - began, ...texts }));
  });
  return { child, ended };
}
