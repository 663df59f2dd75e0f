import { describe, Tensor } from "@dictlearn/kernels";
import { NeoxError } from "./error.js";
import type { PackedRows } from "./rows.js";
import { parseSite, sitesOf } from "./sites.js";

/** Where a hook is called: the site, and the rows whose activations it sees. */
export interface HookPlace {
  readonly site: string;
  /** The rows of this part of the batch, their `start` counted from 0. */
  readonly rows: PackedRows;
  /** Which row of the batch the part begins with: 0 unless the batch was split. */
  readonly firstRow: number;
}

/**
 * Sees the activation of a site, and may replace it by returning a tensor of the same shape.
 * Called while the pass runs: `x`, and every tensor made inside the hook, is freed with the pass. To keep an activation,
 * call `x.read()` and await it after the run, or copy it into a tensor made outside (`copyRowsInto`).
 */
export type Hook = (x: Tensor /* f32[N,D] */, at: HookPlace) => Tensor | void;

/** Hooks by site, in any spelling that `parseSite` knows. */
export type HooksBySite = Readonly<Record<string, Hook>>;

/**
 * Sees the mean of a site's activation over each row's tokens, padding among them: f32[R,D]. As with hooks, it is freed with the pass.
 * Behind an MLP or attention it is taken before the last product, which then is one of R rows and not of N: the mean of
 * products is the product of the mean, but for rounding.
 */
export type MeanHook = (x: Tensor /* f32[R,D] */, at: HookPlace) => void;

/** By site, in any spelling that `parseSite` knows. */
export type MeanHooksBySite = Readonly<Record<string, MeanHook>>;

/** Thrown out of a pass to end it, after its last hook. */
export const passEnded = new Error("the pass ended after its last hooked site");

/** The hooks of one run. */
export class Hooks {
  readonly #bySite: ReadonlyMap<string, Hook>;
  readonly #ofMeans: ReadonlyMap<string, MeanHook>;
  /** The last hooked site in the order of the pass. */
  readonly last: string | undefined;

  constructor(hooks: HooksBySite, layers: number, means: MeanHooksBySite = {}) {
    this.#bySite = bySite(hooks, layers);
    this.#ofMeans = bySite(means, layers);
    this.last = sitesOf(layers).filter((site) => this.#has(site)).at(-1);
  }

  #has(site: string): boolean {
    return this.#bySite.has(site) || this.#ofMeans.has(site);
  }

  /** Whether nobody looks at what depends on a token's id alone, before it has seen others. */
  get beyondIds(): boolean {
    return !["embed", "layers.0.resid_pre", "layers.0.attn_in", "layers.0.mlp_in"].some((site) => this.#has(site));
  }

  /** The layer whose MLP holds the last hook, where none is on its attention. */
  get endsInMlpOf(): number | undefined {
    const [layer] = this.last?.match(/^layers\.\d+(?=\.mlp_)/) ?? [];
    const attention = ["attn_in", "attn_z", "attn_out"].some((part) => this.#has(`${layer}.${part}`));
    return layer === undefined || attention ? undefined : Number(layer.slice("layers.".length));
  }

  /** Whether the pass may end before the last site's activation, since only its means are asked for. */
  get endsInMeans(): boolean {
    return this.last !== undefined && !this.#bySite.has(this.last);
  }

  /** Shows the means of a site, if its hook asks for them. */
  callMeans(site: string, means: () => Tensor, rows: PackedRows, firstRow: number): void {
    this.#ofMeans.get(site)?.(means(), { site, rows, firstRow });
  }

  /** Shows x to the site's hook. @returns x or what replaces it, always a tensor that the pass may dispose */
  call(site: string, x: Tensor, rows: PackedRows, firstRow: number): Tensor {
    const y: unknown = this.#bySite.get(site)?.(x, { site, rows, firstRow });
    if (y === undefined || y === x) return x;
    if (!(y instanceof Tensor)) throw new NeoxError("USAGE", `${site}: expected the hook to return a tensor or nothing, got ${Object.prototype.toString.call(y).slice(8, -1)}`, "hooks are synchronous: call x.read() inside, await it after the run");
    if (y.device !== x.device) throw new NeoxError("USAGE", `${site}: expected the hook to return a tensor on ${x.device.label}, got one on ${y.device.label}`);
    if (describe(y) !== describe(x)) throw new NeoxError("SHAPE", `${site}: expected the hook to return ${describe(x)}, got ${describe(y)}`);
    return y.reshape(y.shape); // a handle of the pass's own: the hook's tensor may be one that outlives it
  }
}

function bySite<H>(hooks: Readonly<Record<string, H>>, layers: number): Map<string, H> {
  const found = new Map<string, H>();
  for (const [text, hook] of Object.entries(hooks)) {
    const site = parseSite(text, layers);
    if (found.has(site)) throw new NeoxError("USAGE", `hooks: expected one hook for ${site}, got another as ${JSON.stringify(text)}`);
    if (typeof hook !== "function") throw new NeoxError("USAGE", `hooks: expected a function for ${site}, got ${typeof hook}`);
    found.set(site, hook);
  }
  return found;
}
