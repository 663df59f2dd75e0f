import { about } from "./machine.js";
import { openOurs, openPeer } from "./openSide.js";
import { summary } from "./summary.js";
import { inTurns } from "./turns.js";

/**
 * One row of a case: every side in a process of its own, in turns.
 * @param name the case
 * @param row { ours, peer, warmup, repeat, rounds? } what each side is given
 * @param where { device, threads, engines, python, rounds }
 * @returns what results/NAME.json keeps of it, by side: `wasm`, `default` where a native engine is installed, `python`
 */
export async function measure(name, row, { device, threads, engines, python, rounds }) {
  const opened = await openSides(name, row, { device, threads, engines, python });
  try {
    const start = about();
    const taken = await inTurns(Object.fromEntries(opened.map(({ name, side }) => [name, () => side.ask("turn")])), { rounds: row.rounds ?? rounds, warmup: row.warmup });
    const sides = {};
    for (const { name, side, label } of opened) {
      const { peakMiB, ...facts } = await side.ask("facts");
      sides[name] = { label, seconds: summary(taken[name].map(({ seconds }) => seconds)), cpuSeconds: summary(taken[name].map(({ cpuSeconds }) => cpuSeconds)), peakMiB: Math.round(peakMiB), facts };
    }
    const versions = Object.assign({}, ...opened.map((one) => one.versions));
    return { ...start, versions, device, threads, rounds: row.rounds ?? rounds, label: row.label, shape: row.shape, targets: row.targets, sides, ratios: ratios(sides, taken), profile: await profile(row, opened[0].side, sides) };
  } finally {
    await Promise.all(opened.map(({ side }) => side.close()));
  }
}

async function openSides(name, row, { device, threads, engines, python }) {
  const opened = [];
  const open = async (side, as, params) => {
    opened.push({ name: as, side });
    Object.assign(opened.at(-1), await side.ask("open", { device, threads, repeat: row.repeat, ...params }));
  };
  try {
    for (const [as, engine] of device === "cpu" ? Object.entries(engines) : [["default", "auto"]]) await open(openOurs(name), as, { engine, ...row.ours });
    if (python && row.peer) await open(openPeer(python, name), "python", { ...row.peer, device: device === "cpu" ? "cpu" : "cuda" });
    return opened;
  } catch (error) {
    await Promise.all(opened.map(({ side }) => side.close()));
    throw error;
  }
}

/** Of the first of our sides, one turn; where a row has one that makes sense op by op. */
async function profile({ profiled, shape }, side, sides) {
  if (!profiled) return undefined;
  const { l0 } = Object.values(sides)[0].facts;
  return side.ask("profile", { active: l0 && l0 * shape.B });
}

/** Of each of ours to Python: times as fast, round by round, by the clock and by the processor; part of its memory. */
function ratios(sides, taken) {
  if (!sides.python) return undefined;
  const each = (name, clock) => summary(taken.python.map((theirs, round) => theirs[clock] / taken[name][round][clock]));
  return Object.fromEntries(
    Object.keys(sides)
      .filter((name) => name !== "python")
      .map((name) => [name, { wall: each(name, "seconds"), processor: each(name, "cpuSeconds"), memory: Number((sides[name].peakMiB / sides.python.peakMiB).toPrecision(3)) }]),
  );
}
