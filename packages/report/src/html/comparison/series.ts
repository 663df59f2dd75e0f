import { type Reading } from "../../reading.js";

/** A reading in its place: how deep in the model, and which line of a plot it is a point of. */
export interface Placed {
  reading: Reading;
  /** short, and unlike those of the others */
  label: string;
  /** the layer; -1: before the first, and one past the largest: behind the last */
  depth: number;
  /** Dictionaries of the same kind of site and of the same name but for the layer: `resid_post` */
  series: string;
}

export function placed(readings: readonly Reading[]): Placed[] {
  const layers = readings.map(({ site }) => layerOf(site));
  const deepest = Math.max(-1, ...layers.filter((layer) => layer !== undefined));
  const shorts = shortened(readings.map(({ dictionary }) => dictionary));
  const families = shortened(readings.map(({ dictionary }) => withoutLayer(dictionary)));
  const oneFamily = new Set(families).size === 1;
  return readings.map((reading, i) => {
    const { site } = reading;
    const shared = readings.some((other, j) => j !== i && other.site === site);
    const kind = site.replace(/^layers\.\d+\./, "");
    return {
      reading,
      label: shared ? `${site}, ${shorts[i]}` : site,
      depth: layers[i] ?? (site === "embed" ? -1 : deepest + 1),
      series: oneFamily ? kind : `${kind}, ${families[i]}`,
    };
  });
}

function layerOf(site: string): number | undefined {
  const [, digits] = /^layers\.(\d+)\./.exec(site) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/** `run/resid_post_layer_3/trainer_0` → `run/trainer_0`; a name that is nothing but its layer keeps the rest of it. */
function withoutLayer(path: string): string {
  const parts = path.split("/").filter((part) => !namesLayer.test(part));
  return parts.length > 0 ? parts.join("/") : path.replace(namesLayer, "");
}
const namesLayer = /(?:layers?|blocks)[._]?\d+/;

/** Paths without the folders that all of them begin with, and without the file's name where all have the same. */
function shortened(paths: readonly string[]): string[] {
  const parts = paths.map((path) => path.split("/"));
  const shortest = Math.min(...parts.map(({ length }) => length));
  let from = 0;
  while (from < shortest - 1 && parts.every((part) => part[from] === parts[0][from])) from++;
  const sameEnd = shortest - from > 1 && parts.every((part) => part.at(-1) === parts[0].at(-1)) && /\.(pt|safetensors)$/.test(parts[0].at(-1)!);
  return parts.map((part) => part.slice(from, sameEnd ? -1 : undefined).join("/"));
}
