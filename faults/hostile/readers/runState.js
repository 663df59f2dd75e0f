import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeSafetensors } from "@dictlearn/checkpoint";
import { RunDirectory } from "dictlearn";
import { bytesOf, jsonTokens, oddCopy, oddJson } from "../json.js";

const state = { version: 1, step: 3, normFactors: { "layers.3.resid_post": 1.5 }, trainers: 1, buffer: { capacity: 4, cursor: { text: null } }, about: { settings: {} } };
const tensors = writeSafetensors([{ name: "w", dtype: "f32", shape: [2], data: Float32Array.of(1, 2) }]);

/** What `--resume` reads: `latest`, and the state that it points at. An input is latest, NUL, state.json, NUL, a file of tensors. */
export function openRunState() {
  const root = mkdtempSync(join(tmpdir(), "run-"));
  const path = join(root, "run");
  mkdirSync(join(path, "state", "step-3"), { recursive: true });
  return {
    name: "runState",
    seeds: [packed("step-3\n", JSON.stringify(state), tensors)],
    tokens: [...jsonTokens, ...["../../x", "/etc", "step-3", "\0"].map(bytesOf)],
    make: (random) => packed(random.below(6) === 0 ? random.pick(["../../../etc", "/etc", "", ".", "step-3/../../..", "x".repeat(5000), "step-99", "\n"]) : "step-3\n", oddJson(oddCopy(state, random), random), tensors),
    async read(bytes) {
      const [first, second] = [bytes.indexOf(0), bytes.indexOf(0, bytes.indexOf(0) + 1)];
      writeFileSync(join(path, "state", "latest"), bytes.subarray(0, Math.max(0, first)));
      writeFileSync(join(path, "state", "step-3", "state.json"), bytes.subarray(first + 1, Math.max(first + 1, second)));
      for (const name of ["buffer", "trainer_0"]) writeFileSync(join(path, "state", "step-3", `${name}.safetensors`), bytes.subarray(second + 1));
      await new RunDirectory(path).readState();
    },
    close: () => rmSync(root, { recursive: true }),
  };
}

function packed(latest, json, file) {
  const head = bytesOf(`${latest}\0${json}\0`);
  const bytes = new Uint8Array(head.length + file.length);
  bytes.set(head);
  bytes.set(file, head.length);
  return bytes;
}
