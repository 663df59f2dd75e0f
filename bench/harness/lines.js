/** What one row found, for a terminal. */
export function lineOf(name, { label, device, sides, ratios = {}, base, unit, units }) {
  const pace = (side, seconds) => {
    const one = units?.[side] ?? unit;
    return one ? `${count(1 / seconds)} ${one}s/s` : time(seconds);
  };
  const of = ([side, { seconds, peakMiB }]) => `${side} ${pace(side, seconds.median)} (${seconds.quartiles.map((one) => pace(side, one)).join(" to ")}), ${peakMiB} MiB`;
  const times = Object.entries(ratios).map(([side, { wall, processor, memory }]) => `${side}: ${wall.median} times as fast as ${base} (${wall.quartiles.join(" to ")}${processor ? `; processor ${processor.median}` : ""}), ${memory} of its memory`);
  return [`${name}: ${label}, ${device}`, ...Object.entries(sides).map(of), ...times].join("\n  ");
}

/** Where a turn's time went, longest first. */
export function profileLines({ profile }, most = 12) {
  if (!profile) return [];
  const { seconds, outside, gflopsPerSecond, integerGopsPerSecond, gigabytesPerSecond, ops } = profile;
  const line = ({ op, calls, seconds, gflop, megabytes, share }) => [op.padEnd(20), String(calls).padStart(4), time(seconds).padStart(9), `${gflop} GFLOP`.padStart(14), `${megabytes} MB`.padStart(12), `${Math.round(100 * share)}% of the roofline`.padStart(22)].join(" ");
  return [`one turn ${time(seconds)}, outside ops ${time(outside)}; peaks ${gflopsPerSecond} GFLOP/s, ${integerGopsPerSecond ? `${integerGopsPerSecond} G integer operations/s, ` : ""}${gigabytesPerSecond} GB/s`, ...ops.slice(0, most).map(line)];
}

/** 1.23 s, 45.6 ms, 789 µs */
export function time(seconds) {
  const [value, unit] = seconds >= 1 ? [seconds, "s"] : seconds >= 1e-3 ? [seconds * 1e3, "ms"] : [seconds * 1e6, "µs"];
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${unit}`;
}

/** 382,000 */
export const count = (value) => Number(value.toPrecision(3)).toLocaleString("en");
