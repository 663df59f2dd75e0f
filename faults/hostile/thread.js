// A thread that gives a reader inputs. `now` tells the watching thread which one it has, and since when.
import { readFileSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { attempt } from "./attempt.js";
import { inputOf } from "./inputs.js";
import { readers } from "./readers.js";

const { name, from, inputs, now } = workerData;
const reader = await readers[name]();
const found = { tried: 0, refused: 0, slowestMs: 0, mostBytes: 0, faults: [] };

/** Inputs that once did harm come first; their numbers are below 0. */
const kept = JSON.parse(readFileSync(new URL("kept.json", import.meta.url), "utf8"))[name] ?? [];
for (const [i, base64] of kept.entries()) await give(-1 - i, new Uint8Array(Buffer.from(base64, "base64")));
for (let number = from; number < from + inputs; number++) await give(number, inputOf(reader, number));
Atomics.store(now, 1, 0n);
await reader.close?.();
parentPort.postMessage(found);

async function give(number, input) {
  Atomics.store(now, 0, BigInt(number));
  Atomics.store(now, 1, BigInt(Date.now()));
  let one = await attempt(reader, input);
  // What else the process does counts as well, such as collecting garbage: what matters is whether it is slow, or large, again.
  for (let again = 0; again < 2 && one.fault && !one.fault.startsWith("an error"); again++) one = await attempt(reader, input);
  found.tried++;
  if (one.refused) found.refused++;
  found.slowestMs = Math.max(found.slowestMs, one.ms);
  found.mostBytes = Math.max(found.mostBytes, one.bytes);
  if (one.fault && found.faults.length < 20) found.faults.push({ number, fault: one.fault, input: Buffer.from(input).toString("base64") });
}
