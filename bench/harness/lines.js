/** What one row found, for a terminal. */
export function lineOf(name, { label, device, sides, ratios = {} }) {
  const of = ([side, { seconds, peakMiB }]) => `${side} ${time(seconds.median)} (${time(seconds.quartiles[0])} to ${time(seconds.quartiles[1])}), ${peakMiB} MiB`;
  const times = Object.entries(ratios).map(([side, { wall, processor, memory }]) => `${side}: ${wall.median} times as fast as Python (${wall.quartiles.join(" to ")}; processor ${processor.median}), ${memory} of its memory`);
  return [`${name}: ${label}, ${device}`, ...Object.entries(sides).map(of), ...times].join("\n  ");
}

/** 1.23 s, 45.6 ms, 789 µs */
export function time(seconds) {
  const [value, unit] = seconds >= 1 ? [seconds, "s"] : seconds >= 1e-3 ? [seconds * 1e3, "ms"] : [seconds * 1e6, "µs"];
  return `${Number(value.toPrecision(3)).toLocaleString("en", { useGrouping: false, maximumFractionDigits: 2 })} ${unit}`;
}
