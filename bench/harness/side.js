// One side of a benchmark in a process of its own: `node side.js CASE` answers each line of JSON with a line of JSON.
// {"op":"open", ...params}, {"op":"turn"}, {"op":"facts"}, {"op":"profile"}.
import { createInterface } from "node:readline";
import { peakMiB } from "./peak.js";
import { profileOf } from "./roofline.js";

const { open } = await import(`../cases/${process.argv[2]}.js`);
let opened;
const operations = {
  async open({ repeat = 1, ...params }) {
    opened = { repeat, ...(await open(params)) };
    return { label: opened.label, versions: { node: process.versions.node } };
  },
  /** Seconds of one of the turn's `repeat` units, and of the processor in all threads. */
  async turn() {
    const [start, busy] = [performance.now(), process.cpuUsage()];
    for (let i = 0; i < opened.repeat; i++) await opened.turn();
    const [end, { user, system }] = [performance.now(), process.cpuUsage(busy)];
    return { seconds: (end - start) / 1e3 / opened.repeat, cpuSeconds: (user + system) / 1e6 / opened.repeat };
  },
  facts: async () => ({ peakMiB: peakMiB(), ...(await opened.facts()) }),
  /** @param active entries of sparse features in a turn */
  profile: ({ active }) => profileOf(opened.device, opened.turn, active),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...params } = JSON.parse(line);
  console.log(JSON.stringify(await operations[op](params)));
}
process.exit(0);
