import { about } from "./machine.js";
import { openPeer } from "./openSide.js";
import { summary } from "./summary.js";
import { inTurns } from "./turns.js";

/**
 * One row of a case: every side in a process of its own, in turns.
 * @param name the case
 * @param row { id, label, shape, targets } for the table; `ours` and `peer`, what the two sides' `open` are given, or
 *   `sides`, several of ours by name, of which `base` is what the others are compared with; `warmup`, `rounds`, `repeat` turns;
 *   `unit` of which a turn has many, where the time of one is told; `profiled` where a profile of a turn makes sense
 * @param where { device, threads, engines, python, rounds, quick }; `openOurs` says where a process for a side comes from
 * @returns what results/NAME.json keeps of it
 */
export async function measure(name, row, { device, threads, engines, python, rounds = row.rounds ?? 5, quick, openOurs }) {
  const opened = await openSides(name, row, { device, threads, engines, python, openOurs });
  try {
    const start = about();
    const taken = await inTurns(Object.fromEntries(opened.map(({ as, side }) => [as, () => side.ask("turn")])), { rounds, ...(quick ? { warmup: 0, pauseMs: 0 } : { warmup: row.warmup }) });
    const sides = {};
    for (const { as, side, label } of opened) {
      const { peakMiB, ...facts } = await side.ask("facts");
      sides[as] = sideOf({ taken: taken[as], label, peakMiB, facts });
    }
    const versions = Object.assign({}, ...opened.map((one) => one.versions));
    const { label, shape, unit, units, targets, base = "python" } = row;
    const profile = row.profiled ? await opened[0].side.ask("profile", { ...known(shape, sides), quick }) : undefined;
    return { ...start, versions, device, threads, rounds, label, shape, unit, units, base, targets, sides, ratios: ratiosOf(sides, taken, base, units), profile };
  } finally {
    await Promise.all(opened.map(({ side }) => side.close()));
  }
}

/** Ours are called `wasm`, and `default` with a native engine where one is installed; on a GPU `default`; the other `python`. */
async function openSides(name, row, { device, threads, engines, python, openOurs }) {
  const opened = [];
  const open = async (as, side, params) => {
    opened.push({ as, side });
    Object.assign(opened.at(-1), await side.ask("open", { device, threads, repeat: row.repeat, ...params }));
  };
  try {
    if (row.sides) for (const [as, params] of Object.entries(row.sides)) await open(as, openOurs(as), { case: name, engine: "auto", ...params });
    else for (const [as, engine] of Object.entries(device === "cpu" ? engines : { default: "auto" })) await open(as, openOurs(as), { case: name, engine, ...row.ours });
    if (python && row.peer) {
      const peer = openPeer(python, name);
      if (device === "cpu" || (await peer.ask("cuda")).available) await open("python", peer, { ...row.peer, device: device === "cpu" ? "cpu" : "cuda" });
      else await peer.close();
    }
    return opened;
  } catch (error) {
    await Promise.all(opened.map(({ side }) => side.close()));
    throw error;
  }
}

/** What is kept of a side: seconds of a turn or of its unit, by the clock and by the processor. */
export function sideOf({ taken, label, peakMiB, facts }) {
  const of = (clock) => (taken[0][clock] === undefined ? undefined : summary(taken.map((turn) => turn[clock])));
  return { label, seconds: of("seconds"), cpuSeconds: of("cpuSeconds"), peakMiB: Math.round(peakMiB), facts };
}

/** Of each side to the base: how many times as fast, round by round, by the clock and by the processor; part of its memory. */
export function ratiosOf(sides, taken, base, units = {}) {
  if (!sides[base]) return undefined;
  const times = (name, clock) => (taken[base][0][clock] === undefined ? undefined : summary(taken[base].map((turn, round) => turn[clock] / taken[name][round][clock])));
  const others = Object.keys(sides).filter((name) => name !== base && units[name] === units[base]);
  return Object.fromEntries(others.map((name) => [name, { wall: times(name, "seconds"), processor: times(name, "cpuSeconds"), memory: Number((sides[name].peakMiB / sides[base].peakMiB).toPrecision(3)) }]));
}

/** What an op's tensors do not say of its work. */
function known(shape, sides) {
  const { l0 } = Object.values(sides)[0].facts;
  return { active: l0 && l0 * shape.B, T: shape.T };
}
