import { describe, Tensor, type Device } from "@dictlearn/kernels";
import { ActivationsError } from "./error.js";

/** Rows of text one after another: row r is tokens start[r] to start[r+1]. What a model packs, or reads again. */
export interface TokenRows {
  readonly tokens: Uint32Array; // [N]
  readonly start: Uint32Array; //  [R+1], from 0 to N
}

/** The activations of a pass by site, f32[N,D], row n of token n; D may differ from site to site. */
export type Activations = Readonly<Record<string, Tensor>>;

/** Rows that a model has run on. Whoever asked for it disposes the tensors; the arrays may be used again. */
export interface Harvested {
  readonly rows: TokenRows;
  readonly activations: Activations;
  /** Where the source stands behind these rows: JSON from which it can be opened again. The buffer saves it and never looks inside. */
  readonly cursor: unknown;
}

/** Where activations come from: a model on a stream of texts, or shards. */
export interface ActivationSource {
  /** Where its tensors live. */
  readonly device: Device;
  /** The next rows, as many as suit the source, or undefined at the end. */
  next(): Promise<Harvested | undefined>;
  /** The activations of rows that `next` gave before, bit for bit, in whatever company: how a saved buffer is filled again. */
  rerun(rows: TokenRows): Promise<Activations>;
}

/**
 * The sites of a pass and their widths.
 * @param known what earlier passes had; default any
 * @throws SHAPE unless each is f32[N,D] on the source's device, with the sites and widths known
 */
export function checkActivations(device: Device, activations: Activations, { tokens, start }: TokenRows, known?: ReadonlyMap<string, number>): Map<string, number> {
  const [N, R] = [tokens.length, start.length - 1];
  if (R < 0 || start[0] !== 0 || start[R] !== N || start.some((at, r) => r > 0 && at < start[r - 1])) throw new ActivationsError("SHAPE", `source: expected start to increase from 0 to ${N}, got [${[...start.subarray(0, 8)]}${R > 7 ? ",…" : ""}]`);
  const entries = Object.entries(activations);
  if (entries.length === 0) throw new ActivationsError("SHAPE", "source: expected activations of at least one site, got none");
  for (const [site, x] of entries) {
    if (!(x instanceof Tensor)) throw new ActivationsError("SHAPE", `source: expected a tensor for ${site}, got ${typeof x}`);
    const D = known?.get(site) ?? "D";
    if (x.dtype !== "f32" || x.shape.length !== 2 || x.shape[0] !== N || (D !== "D" && x.shape[1] !== D)) throw new ActivationsError("SHAPE", `source: expected ${site} to be f32[${N},${D}], got ${describe(x)}`);
    if (x.device !== device) throw new ActivationsError("SHAPE", `source: expected ${site} on ${device.label}, got it on ${x.device.label}`);
  }
  const names = (all: Iterable<string>) => [...all].sort().join(", ");
  if (known && names(known.keys()) !== names(Object.keys(activations))) throw new ActivationsError("SHAPE", `source: expected the sites ${names(known.keys())}, got ${names(Object.keys(activations))}`);
  return new Map(entries.map(([site, x]) => [site, x.shape[1]]));
}

export function disposeAll(activations: Activations): void {
  for (const tensor of Object.values(activations)) if (tensor instanceof Tensor) tensor.dispose();
}
