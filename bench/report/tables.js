// Tables of docs/*.md out of results/*.json: what stands between <!-- bench:NAME --> and <!-- /bench:NAME -->.
import { count, time } from "../harness/lines.js";
import { digits, pace, percent, targetLines } from "./targets.js";

const headings = { wasm: "WebAssembly", default: "by default", python: "PyTorch" };

/** @param results { case: { rowId: result } } @param before the same, of what is compared with @returns { name: markdown } */
export function tables(results, before) {
  const timed = Object.fromEntries(["step", "harvest", "train", "sparse-rep", "kernels", "scaling"].flatMap((name) => (results[name] ? [[name, timedTable(results[name])]] : [])));
  return {
    ...timed,
    ...(results.features && { features: featuresTable(results.features) }),
    ...(results.load && { load: loadTable(results.load) }),
    ...(results.scaling?.tokens && { tokens: tokensTable(results.scaling.tokens) }),
    ...Object.fromEntries(Object.entries(results.parity ?? {}).map(([id, result]) => [`parity-${id}`, parityTable(result)])),
    ...profileTables(results, before),
    targets: targetsTable(results),
  };
}

const table = (head, rows) => [head, head.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");

function targetsTable(results) {
  const rows = targetLines(results).map(({ label, kind, must, aim, measured, verdict }) => [label, kind, digits(must[0] ?? must), aim === undefined ? "" : digits(aim), measured === undefined ? "" : `**${digits(measured)}**`, verdict]);
  return table(["", "", "must", "aim", "measured", ""], rows);
}

function timedTable(rows) {
  const all = Object.values(rows).filter(({ sides }) => !sides.ours);
  const names = [...new Set(all.flatMap(({ sides }) => Object.keys(sides)))];
  const cell = (result, side) => {
    const { seconds, peakMiB } = result.sides[side] ?? {};
    if (!seconds) return "";
    const show = (value) => pace(value, result.units?.[side] ?? result.unit);
    return `${show(seconds.median)}${result.rounds > 1 ? ` (${show(seconds.quartiles[0])} to ${show(seconds.quartiles[1])})` : ""}, ${count(peakMiB)} MiB`;
  };
  const others = [...new Set(all.flatMap(({ ratios = {} }) => Object.keys(ratios)))];
  const times = (result, side) => {
    const of = result.ratios?.[side];
    return of ? `**${digits(of.wall.median)}**${of.processor ? ` (processor ${digits(of.processor.median)})` : ""}, memory ${digits(of.memory)}` : "";
  };
  const head = ["", ...names.map((name) => headings[name] ?? name), ...others.map((name) => `times as fast${others.length > 1 ? `, ${headings[name] ?? name}` : ""}`)];
  return `${table(head, all.map((result) => [result.label + (result.device === "cpu" ? "" : ` (${result.device})`), ...names.map((name) => cell(result, name)), ...others.map((name) => times(result, name))]))}\n\n${caption(all)}`;
}

/** Where, with what, how often and when: what all rows share, and from what to what where they differ. */
function caption(results) {
  const distinct = (pick) => [...new Set(results.map(pick))];
  const versions = Object.entries(Object.assign({}, ...results.map((one) => one.versions))).map(([name, version]) => `${name} ${version}`);
  const range = (values) => (Math.min(...values) === Math.max(...values) ? `${values[0]}` : `${Math.min(...values)} to ${Math.max(...values)}`);
  const loads = results.map(({ load }) => load).filter((load) => load !== undefined);
  const parts = [
    ...distinct(({ machine }) => machine), versions.join(", "),
    `${range(results.map(({ threads }) => threads))} threads`,
    results[0].rounds && `medians of ${range(results.map(({ rounds }) => rounds))} rounds (quartiles)`,
    loads.length && `load before ${range(loads)}`,
    `commit ${distinct(({ commit }) => commit).join(", ")}`, distinct(({ date }) => date.slice(0, 10)).join(", "),
  ];
  return `<sub>${parts.filter(Boolean).join("; ")}.</sub>`;
}

function loadTable(rows) {
  return Object.values(rows)
    .map((result) => {
      const { parse, tokenize, harvest } = result.sides;
      const lines = [
        ["first text", `${parse.facts.firstMs.toFixed(0)} ms`],
        ["first tokens", `${tokenize.facts.firstMs.toFixed(0)} ms`],
        ["decompressed and parsed, one core", `${count(1e-6 / parse.seconds.median)} MB/s`],
        ["tokenized too, one core", pace(tokenize.seconds.median, "token")],
        [`harvest, ${result.threads} threads`, pace(harvest.seconds.median, "token")],
        ["texts against harvest", `**${digits(result.ratios.tokenize.wall.median)}** times as fast`],
      ];
      return `${table([result.label, ""], lines)}\n\n${caption([result])}`;
    })
    .join("\n\n");
}

function featuresTable(rows) {
  const cells = Object.values(rows).map((result) => {
    const { seconds, cpuSeconds, peakMiB, facts } = Object.values(result.sides)[0];
    const opens = (ms) => (ms === undefined ? "" : `${Math.round(ms)} ms`);
    return [result.label, time(seconds.median), time(cpuSeconds.median), `${count(result.shape.tokens / seconds.median)} tokens/s`, `${count(peakMiB)} MiB`, `${count(facts.siteMiB)} MiB in ${facts.files} files`, opens(facts.listMs), opens(facts.featureMs)];
  });
  return `${table(["", "whole process", "processor", "tokens over all", "memory", "site", "list opens", "feature opens"], cells)}\n\n${caption(Object.values(rows))}`;
}

function tokensTable(result) {
  const rows = result.sides.ours.facts.marks.map(({ tokens, secondsPerToken, residentMiB, deviceMiB }) => [count(tokens), time(secondsPerToken), `${count(residentMiB)} MiB`, `${count(deviceMiB)} MiB`]);
  return `${table(["tokens so far", "a token, since the line above (the first: since the first step)", "resident", "of the device"], rows)}\n\n${caption([result])}`;
}

/** The rows whose profiles are shown, before and now. @returns [{ name, was, is }], those that have one */
export const profiled = (results, before) =>
  [["step", "topK F=16384"], ["harvest", "layers.3.mlp_out T=128"]]
    .map(([name, id]) => ({ name, was: before[name]?.[id], is: results[name]?.[id] }))
    .filter(({ was, is }) => (is ?? was)?.profile);

/** The same rows before and now, op by op. */
function profileTables(results, before) {
  const made = {};
  for (const { name, was, is } of profiled(results, before)) {
    const now = is ?? was;
    const old = is && was?.profile ? Object.fromEntries(was.profile.ops.map((op) => [op.op, op])) : {};
    const rows = now.profile.ops
      .filter(({ seconds }) => seconds > now.profile.seconds / 200)
      .map(({ op, calls, seconds, gflop, megabytes, share }) => [`\`${op}\``, calls, old[op] ? time(old[op].seconds) : "", time(seconds), percent(seconds / now.profile.seconds), gflop, megabytes, percent(share)]);
    rows.push(["outside ops", "", is && was?.profile ? time(was.profile.outside) : "", time(now.profile.outside), percent(now.profile.outside / now.profile.seconds), "", "", ""]);
    rows.push(["**all**", "", is && was?.profile ? time(was.profile.seconds) : "", `**${time(now.profile.seconds)}**`, "", "", "", ""]);
    const peaks = `This machine's best then: ${digits(now.profile.gflopsPerSecond)} GFLOP/s, ${now.profile.integerGopsPerSecond ? `${digits(now.profile.integerGopsPerSecond)} G integer operations/s, ` : ""}${digits(now.profile.gigabytesPerSecond)} GB/s.`;
    made[`profile-${name}`] = `${now.label}:\n\n${table(["op", "calls", "before", "now", "of all", "GFLOP", "MB", "of the roofline"], rows)}\n\n${peaks} ${caption([now])}`;
  }
  return made;
}

function parityTable(result) {
  const { runs, summary } = result;
  const of = (by, start) => runs.filter((run) => run.by === by && run.start === start);
  const list = (some, pick) => some.map(pick).join(", ");
  const row = (title, some) => [title, list(some, ({ ours }) => ours.frac_variance_explained.toFixed(4)), list(some, ({ ours }) => Number(ours.l0.toFixed(2))), list(some, ({ ours }) => percent(ours.frac_alive)), list(some, ({ loss }) => loss.frac_recovered.toFixed(4))];
  const signed = (value) => (Math.abs(value) < 5e-6 ? "0" : `${value > 0 ? "+" : ""}${(100 * value).toPrecision(2)}%`);
  const differences = (title, key) => [title, ...["frac_variance_explained", "l0", "frac_alive", "frac_recovered"].map((measure) => signed(summary[measure][key]))];
  const rows = [
    row(`dictionary_learning, seeds ${list(of("dictionary_learning", "its own"), ({ seed }) => seed)}`, of("dictionary_learning", "its own")),
    row("dictlearn from the same starts", of("dictlearn", "the same")),
    row("dictlearn from its own", of("dictlearn", "its own")),
    differences("difference from the same start, the largest", "fromTheSameStart"),
    differences("difference of the means, from its own starts", "fromItsOwn"),
  ];
  return `${table(["", "FVE", "L0", "alive", "loss recovered"], rows)}\n\n${caption([{ threads: 2, ...result }])}`;
}
