// One side of a benchmark in a process of its own: `node side.js` answers each line of JSON with a line of JSON.
// {"op":"open", "case": …, ...params} (a second one lets go of the first), {"op":"turn"}, {"op":"facts"}, {"op":"profile"}.
import { createInterface } from "node:readline";
import { peakMiB } from "./peak.cjs";
import { few, profileOf } from "./roofline.js";

let opened;
const operations = {
  async open({ case: name, repeat = 1, ...params }) {
    opened?.device?.dispose();
    const { open } = await import(`../cases/${name}.js`);
    opened = { repeat, ...(await open(params)) };
    return { label: opened.label, versions: { node: process.versions.node } };
  },
  /** Seconds, and seconds of the processor in all threads, of one unit: of what a turn says how many it did, else of a turn. */
  async turn() {
    const [start, busy] = [performance.now(), process.cpuUsage()];
    let units = 0;
    for (let i = 0; i < opened.repeat; i++) units += (await opened.turn()) ?? 1;
    const [end, { user, system }] = [performance.now(), process.cpuUsage(busy)];
    return { seconds: (end - start) / 1e3 / units, cpuSeconds: (user + system) / 1e6 / units };
  },
  facts: async () => ({ peakMiB: peakMiB(), ...(await opened.facts()) }),
  profile: ({ quick, ...known }) => profileOf(opened.device, opened.turn, known, quick ? few : undefined),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...params } = JSON.parse(line);
  console.log(JSON.stringify(await operations[op](params)));
}
process.exit(0);
