import { count, time } from "../harness/lines.js";

const names = { default: "by default", wasm: "WebAssembly alone", memory: "memory", flatTime: "time of a token, end to beginning", flatMemory: "memory, end to beginning" };

/**
 * What was to be reached, and what was: one line for each target of each row that ran against its base.
 * @param results { case: { rowId: result } }
 * @returns [{ label, kind, isSpeed, must, aim, measured, verdict }]; measured undefined where it did not run
 */
export function targetLines(results) {
  return Object.entries(results).flatMap(([name, rows]) =>
    Object.values(rows).flatMap((result) => Object.entries(result.targets ?? {}).map(([kind, target]) => line(name, result, kind, target, results))),
  );
}

function line(name, result, kind, target, results) {
  const { ratios = {}, label, sides } = result;
  const of = ratios[kind] ?? ratios.default ?? ratios.wasm;
  const shared = { label: label.startsWith(name) || name === "scaling" ? label : `${name}: ${label}`, kind: names[kind] ?? kind };
  if (kind.startsWith("flat")) {
    const { marks } = sides.ours.facts;
    const [begin, end] = [marks[1], marks.at(-1)].map((mark) => mark[kind === "flatTime" ? "secondsPerToken" : "residentMiB"]);
    const verdict = `${end / begin <= target ? "reached" : "missed"}: from ${count(marks[1].tokens)} to ${count(marks.at(-1).tokens)} tokens`;
    return { ...shared, must: target, measured: end / begin, verdict };
  }
  if (!of) return { ...shared, must: target, verdict: "not measured" };
  if (kind === "memory") {
    const [us] = Object.keys(ratios);
    const [ours, theirs] = [sides[us].peakMiB, sides.python.peakMiB];
    const verdict = of.memory <= target ? "reached" : `missed: ${ours - Math.round(theirs * target)} MiB too many (${sides[us].facts.deviceMiB === undefined ? "" : `${Math.round(sides[us].facts.deviceMiB)} MiB lie on the device after a turn, `}${ours} MiB against ${theirs})`;
    return { ...shared, must: target, measured: of.memory, verdict };
  }
  const [must, aim] = target;
  const measured = of.wall.median;
  const note = kind === "default" && !ratios.default ? "no native engine here; " : "";
  return { ...shared, isSpeed: true, must, aim, measured, verdict: note + verdictOf(measured, must, aim, () => boundOf(name, result, results)) };
}

function verdictOf(measured, must, aim, bound) {
  const short = (goal) => `${Math.round(100 * (1 - measured / goal))}%`;
  if (measured < must) return `missed by ${short(must)}: ${bound()}`;
  if (aim === undefined || measured >= aim) return "reached";
  return `reached, ${short(aim)} short of the aim: ${bound()}`;
}

/** What holds it back, from its own figures. */
function boundOf(name, { profile, shape, sides }, { harvest, step }) {
  if (profile) {
    const largest = profile.ops.slice(0, 2).map(({ op, seconds, share }) => `${op} is ${percent(seconds / profile.seconds)} of the turn, at ${percent(share)} of what the machine allows`);
    return largest.join("; ");
  }
  if (name === "train") {
    const [us] = Object.keys(sides);
    const model = Object.values(harvest ?? {})[0]?.sides[us]?.seconds.median;
    const dictionary = Object.values(step ?? {}).find((one) => one.shape.k === shape.k && one.shape.F === shape.F && one.label.startsWith("TopK"))?.sides[us]?.seconds.median;
    const part = (seconds) => percent(seconds / sides[us].seconds.median);
    if (model && dictionary) return `by their own figures the model takes ${part(model)} of the time, the steps ${part(dictionary / shape.B)}`;
  }
  return Object.entries(sides).map(([side, { seconds, cpuSeconds }]) => `${side} keeps ${cpuSeconds ? (cpuSeconds.median / seconds.median).toFixed(1) : "?"} processors busy`).join(", ");
}

export const percent = (share) => `${Math.round(100 * share)}%`;
export const digits = (value) => (value >= 10 ? count(Math.round(value)) : String(Number(value.toPrecision(2))));
export const pace = (seconds, unit) => (unit ? `${count(1 / seconds)} ${unit}s/s` : time(seconds));

/** For a terminal. */
export function targetTable(lines) {
  const cells = [["case", "", "must", "aim", "measured", ""], ...lines.map(({ label, kind, must, aim, measured, verdict }) => [label, kind, digits(must[0] ?? must), aim === undefined ? "" : digits(aim), measured === undefined ? "" : digits(measured), verdict])];
  const widths = cells[0].map((_, i) => Math.max(...cells.map((row) => row[i].length)));
  return cells.map((row) => row.map((cell, i) => (i < 5 ? cell.padEnd(widths[i]) : cell)).join("  ").trimEnd()).join("\n");
}
