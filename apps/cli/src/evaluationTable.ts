import { formatG, plainGrid } from "@dictlearn/report";
import { type Metrics } from "dictlearn";

export type EvaluationRow = Omit<Metrics, "feature_density"> & { readonly dictionary: string; readonly class: string; readonly site: string; readonly features: number };

/** Under dictionary_learning's names, in its order. */
const meanings = {
  l2_loss: "mean distance of reconstruction and activation",
  l1_loss: "mean sum of a token's features",
  l0: "features that are active on a token",
  frac_variance_explained: "share of the activations' variance (FVE)",
  cossim: "mean cosine of reconstruction and activation",
  l2_ratio: "mean norm of the reconstruction over the activation's",
  relative_reconstruction_bias: "above 1: reconstructions too large",
  loss_original: "the model's cross-entropy, nats a token",
  loss_reconstructed: "with reconstructions in place of the activations",
  loss_zero: "with zeros in their place",
  frac_recovered: "share of the loss between zeros and activations that is kept",
  frac_alive: "share of the features that are active on some token",
} satisfies Partial<Record<keyof Metrics, string>>;

/** All measures of one dictionary, a line each. */
export function measures(row: EvaluationRow): string {
  const about = [["dictionary", row.dictionary, row.class], ["site", row.site, `${row.features.toLocaleString("en")} features`]];
  const lines = [...about, ...Object.entries(meanings).map(([name, meaning]) => [name, formatG(row[name as keyof typeof meanings]), meaning])];
  return plainGrid(["Measure", "Value", "What it is"], lines);
}

/** Several against each other: the sparser first, what that costs beside it. */
export function comparison(rows: readonly EvaluationRow[]): string {
  const columns: Record<string, (row: EvaluationRow) => string> = {
    Dictionary: ({ dictionary }) => dictionary,
    Class: (row) => row.class,
    Site: ({ site }) => site,
    Features: ({ features }) => String(features),
    L0: ({ l0 }) => formatG(l0),
    "Loss recovered": ({ frac_recovered }) => formatG(frac_recovered),
    FVE: ({ frac_variance_explained }) => formatG(frac_variance_explained),
    Loss: ({ loss_reconstructed }) => formatG(loss_reconstructed),
    Cosine: ({ cossim }) => formatG(cossim),
    Alive: ({ frac_alive }) => formatG(frac_alive),
  };
  const sorted = [...rows].sort((a, b) => a.l0 - b.l0);
  return plainGrid(Object.keys(columns), sorted.map((row) => Object.values(columns).map((cell) => cell(row))));
}
