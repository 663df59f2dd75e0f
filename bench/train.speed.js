// One training step, B = 2048, D = 512, on Gaussian rows.
import { openDevice } from "@dictlearn/kernels/node";
import { openRng } from "@dictlearn/kernels";
import { readLog, standard, topK } from "@dictlearn/sae";
import { loadavg } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { summary } from "./train.summary.js";

const [B, D, steps] = [2048, 512, 100_000];

/** `bias`: of every feature; 0 leaves half of them on, as at the start, -0.217 about 1.5%, as in the middle of training. */
const cases = {
  topK: [{ name: "TopK, k = 32", make: (features) => topK({ features, k: 32 }), trainer: "TopKTrainer", arguments: { k: 32 }, bias: 0 }],
  standard: [-0.217, 0].map((bias) => ({ name: `Standard, ${bias ? "1.5%" : "half"} of the features on`, make: (features) => standard({ features }), trainer: "StandardTrainer", arguments: {}, bias })),
};

export async function speed(peer, family, { features, rounds }) {
  const results = [];
  for (const { name, make, trainer, arguments: own, bias } of cases[family])
    for (const F of features) {
      await peer.ask("open", { name, trainer, arguments: { ...own, steps, activation_dim: D, dict_size: F }, batch: B, bias });
      const opened = [];
      const contenders = {};
      for (const threads of [1, 2]) {
        const ours = await openOurs(make(F), F, threads, bias);
        opened.push(ours);
        contenders[`dictlearn, ${threads}`] = ours.step;
        contenders[`PyTorch, ${threads}`] = () => peer.ask("step", { name, threads });
      }
      const times = Object.fromEntries(Object.keys(contenders).map((key) => [key, []]));
      const load = loadavg()[0];
      for (let round = -2; round < rounds; round++)
        for (const [key, step] of Object.entries(contenders)) {
          await pause(250); // threads of the other side fall asleep
          const taken = await step();
          if (round >= 0) times[key].push(taken); // the first two rounds warm up
        }
      const l0 = await opened[0].l0();
      for (const ours of opened) ours.dispose();
      const of = (key, clock) => times[key].map((taken) => 1000 * taken[clock]);
      const ratio = (threads, clock) => summary(of(`PyTorch, ${threads}`, clock).map((value, round) => value / of(`dictlearn, ${threads}`, clock)[round]));
      const each = (clock) => Object.fromEntries(Object.keys(times).map((key) => [key, summary(of(key, clock))]));
      const result = { case: name, F, l0, rounds, load, ms: each("seconds"), cpuMs: each("cpuSeconds"), ratios: { "1 thread": ratio(1, "seconds"), "2 threads": ratio(2, "seconds"), "1 thread, processor time": ratio(1, "cpuSeconds") } };
      console.log(`${name}, F = ${F}, L0 ${l0.toFixed(0)}, load ${load}`);
      for (const [key, { median, quartiles }] of Object.entries(result.ms)) console.log(`  ${key.padEnd(12)} ${median} ms (quartiles ${quartiles.join(" to ")}; processor ${result.cpuMs[key].median} ms)`);
      for (const [key, { median, quartiles }] of Object.entries(result.ratios)) console.log(`  PyTorch / dictlearn, ${key}: ${median} (quartiles ${quartiles.join(" to ")})`);
      results.push(result);
    }
  return { B, D, results };
}

async function openOurs(spec, F, threads, bias) {
  const device = await openDevice({ backend: "cpu", threads });
  const trainer = spec.start({ device, D, steps, seed: 0 });
  device.write(trainer.parameters().encoderBias, new Float32Array(F).fill(bias));
  const x = device.keep(device.tensor(openRng({ seed: 0, stream: "sample" }).normal(B * D), [B, D]));
  let [at, log] = [0];
  return {
    async step() {
      const [start, busy] = [performance.now(), process.cpuUsage()];
      log = await trainer.step(x, at++);
      const { user, system } = process.cpuUsage(busy); // of all threads, in microseconds
      return { seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6 };
    },
    l0: async () => (await readLog(log)).l0,
    dispose() {
      trainer.dispose();
      device.dispose();
    },
  };
}
