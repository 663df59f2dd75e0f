import { dot, text } from "@observablehq/plot";
import { formatG } from "../formatG.js";
import { type FeatureDensity } from "../featureDensity.js";
import { densityFigure } from "./densityFigure.js";
import { documentOf } from "./document.js";
import { figure, scaleFor } from "./figure.js";
import { linesFigure } from "./linesFigure.js";
import { type Content, html, type Markup } from "./markup.js";
import { numeral, setting, table } from "./table.js";
import { type MetricsLine } from "./thin.js";

/** A training run, as far as it has come. */
export interface RunReport {
  /** Where it is saved. */
  name: string;
  /** When this was so: a date and time to read. */
  written: string;
  state: "running" | "stopped" | "done";
  /** Steps that are done, of how many, and the tokens that they took. */
  step: number;
  steps: number;
  tokens: number;
  parameters: Readonly<Record<string, unknown>>;
  trainers: readonly TrainerReport[];
}

/** One dictionary of a run. */
export interface TrainerReport {
  /** `topk` */
  name: string;
  /** `layers.3.resid_post` */
  site: string;
  /** Which of the site's trainers. */
  index: number;
  parameters: Readonly<Record<string, unknown>>;
  /** The lines of metrics.jsonl: `step`, `tokens`, and what the trainer logs. */
  metrics: readonly MetricsLine[];
  /** eval_results.json, where the run is done and was evaluated. */
  evaluation?: Readonly<Record<string, unknown>> & { readonly feature_density?: FeatureDensity };
}

/** A run as one page of HTML that needs nothing else: no network, no script. Every name in it is text. */
export function runPage(run: RunReport): string {
  const { name, trainers, parameters } = run;
  return documentOf({
    title: `Training run ${name}`,
    lead: html`<p>${progressOf(run)}</p>`,
    main: html`<section aria-labelledby="trainers"><h2 id="trainers">Trainers</h2>
${summaryTable(trainers)}${comparison(trainers)}</section>
${trainers.map(trainerSection)}
<section aria-labelledby="parameters"><h2 id="parameters">Parameters of the run</h2>
${settings("As flags, files and defaults settled them", parameters)}</section>
`,
  });
}

const states = { running: "Running", stopped: "Stopped", done: "Done" };

function progressOf({ state, step, steps, tokens, written }: RunReport): Markup {
  return html`${states[state]}: step ${step.toLocaleString("en")} of ${steps.toLocaleString("en")}, ${tokens.toLocaleString("en")} tokens. Written ${written}${state === "running" ? ", and again at every save: reload for what is new." : "."}`;
}

const idOf = (i: number) => `trainer-${i}`;
const titleOf = ({ name, index, site }: TrainerReport) => `trainer_${index} (${name}) at ${site}`;

/** What the run came to, a line for each trainer: its last log, and its evaluation. */
function summaryTable(trainers: readonly TrainerReport[]): Markup {
  const ofLog = { loss: "Loss", l0: "L0", frac_variance_explained: "FVE", dead_features: "Dead" };
  const ofEvaluation = { l0: "L0", frac_variance_explained: "FVE", frac_recovered: "Loss recovered", frac_alive: "Alive" };
  const isEvaluated = trainers.some(({ evaluation }) => evaluation);
  return table({
    caption: isEvaluated ? "Last line of the log, and the evaluation on text that training did not see" : "Last line of the log",
    header: ["Trainer", "Step", ...Object.values(ofLog), ...(isEvaluated ? Object.values(ofEvaluation).map((title) => `${title} (unseen)`) : [])],
    rows: trainers.map((trainer, i) => {
      const last = trainer.metrics.at(-1) ?? {};
      return [
        html`<a href="#${idOf(i)}">${titleOf(trainer)}</a>`,
        ...["step", ...Object.keys(ofLog)].map((key) => numeral(last[key])),
        ...(isEvaluated ? Object.keys(ofEvaluation).map((key) => numeral(trainer.evaluation?.[key])) : []),
      ];
    }),
  });
}

/** Sites differ in colour and in shape: the plot's, and the character that stands for it in the legend. */
const shapes = [["circle", "○"], ["triangle", "△"], ["square", "□"], ["diamond", "◇"], ["star", "☆"]] as const;

/** Several trainers against each other: sparsity and what it costs, a point each. */
function comparison(trainers: readonly TrainerReport[]): Markup | undefined {
  const isEvaluated = trainers.some(({ evaluation }) => evaluation);
  const measure = isEvaluated ? "frac_recovered" : "frac_variance_explained";
  const points = trainers.flatMap((trainer) => {
    const { [measure]: y, l0 } = (isEvaluated ? trainer.evaluation : trainer.metrics.at(-1)) ?? {};
    return Number.isFinite(y) && Number.isFinite(l0) ? [{ index: String(trainer.index), title: titleOf(trainer), site: trainer.site, l0: l0 as number, y: y as number }] : [];
  });
  if (points.length < 2) return undefined;
  const sites = [...new Set(points.map(({ site }) => site))];
  const colours = sites.map((_, i) => `var(--series-${(i % 6) + 1})`);
  const symbols = sites.map((_, i) => shapes[i % shapes.length][0]);
  const lower = isEvaluated ? "Loss recovered" : "FVE";
  return figure({
    title: isEvaluated ? "L0 against loss recovered, on unseen text" : "L0 against fraction of variance explained, last line of the log",
    description: points.map(({ title, l0, y }) => `${title}: L0 ${formatG(l0)}, ${lower} ${formatG(y)}`).join("; "),
    note: [sites.length > 1 && sites.map((site, i) => html`<span class="legend"><span style="color: ${colours[i]}">${shapes[i % shapes.length][1]}</span> ${site}</span> `), "numbers say which trainer; up and to the left is better"],
    plot: {
      width: 640,
      height: 300,
      color: { domain: sites, range: colours },
      symbol: { domain: sites, range: symbols },
      x: { label: "L0, active features a token", type: scaleFor(points.map(({ l0 }) => l0), 10), grid: true, inset: 8 },
      y: { label: lower, nice: true, grid: true, inset: 8 },
      marks: [
        dot(points, { x: "l0", y: "y", stroke: "site", symbol: "site", title: "title", r: 4.5, strokeWidth: 2 }),
        text(points, { x: "l0", y: "y", text: "index", dx: 8, textAnchor: "start", fill: "currentColor", stroke: "var(--page)", strokeWidth: 3 }),
      ],
    },
  });
}

function trainerSection(trainer: TrainerReport, i: number): Markup {
  const { metrics, evaluation, parameters } = trainer;
  const title = titleOf(trainer);
  return html`<section class="trainer" aria-labelledby="${idOf(i)}"><h2 id="${idOf(i)}">${title}</h2>
<div class="figures">
${metrics.length === 0 ? html`<p class="quiet">No line of the log yet.</p>` : figures(metrics)}${evaluation?.feature_density && densityFigure(evaluation.feature_density, "unseen tokens")}</div>
<div class="tables">${evaluation && evaluationTable(title, evaluation)}${settings("Parameters", parameters, title)}</div>
${metrics.length > 0 && logTable(title, metrics)}</section>
`;
}

/** The order in which what a trainer logs is shown; what else it logs comes behind, under its own name. */
const titles: Readonly<Record<string, string>> = {
  l0: "L0, active features a token",
  frac_variance_explained: "Fraction of variance explained (FVE)",
  dead_features: "Dead features",
  lr: "Learning rate",
  tokens_per_second: "Tokens a second",
};

function figures(metrics: readonly MetricsLine[]): Content {
  const names = [...new Set(metrics.flatMap(Object.keys))];
  const losses = names.filter((name) => name.endsWith("loss"));
  const others = names.filter((name) => !losses.includes(name) && !["step", "tokens"].includes(name) && !Object.hasOwn(titles, name));
  return [
    linesFigure(metrics, { title: "Loss and its parts", columns: losses }),
    ...Object.entries(titles).map(([name, title]) => linesFigure(metrics, { title, columns: [name], ...(name === "frac_variance_explained" && { floor: 0 }) })),
    ...others.map((name) => linesFigure(metrics, { title: name, columns: [name] })),
  ];
}

function evaluationTable(title: string, evaluation: Readonly<Record<string, unknown>>): Markup {
  const { feature_density: _, ...measures } = evaluation;
  return table({ caption: "Evaluation on unseen text (eval_results.json)", of: title, header: ["Measure", "Value"], rows: Object.entries(measures).map(([name, value]) => [name, numeral(value)]) });
}

/** Lines of the log as they are: all of a short one, else every n-th and the last. */
function logTable(title: string, metrics: readonly MetricsLine[]): Markup {
  const every = Math.ceil(metrics.length / 50);
  const shown = metrics.filter((_, i) => i % every === 0 || i === metrics.length - 1);
  const names = [...new Set(shown.flatMap(Object.keys))].filter((name) => name !== "step");
  const which = every === 1 ? `all ${metrics.length}` : `one in ${every} of ${metrics.length.toLocaleString("en")}, and the last`;
  return html`<details><summary>Numbers of the log: ${which}</summary>
${table({ caption: `Lines of metrics.jsonl: ${which}`, of: title, header: ["step", ...names], rows: shown.map((line) => [numeral(line.step), ...names.map((name) => numeral(line[name]))]) })}</details>
`;
}

function settings(caption: string, values: Readonly<Record<string, unknown>>, of?: string): Markup {
  const rows = Object.entries(values).filter(([, value]) => value !== undefined).map(([name, value]) => [name, setting(value)]);
  return table({ caption, of, header: ["Parameter", "Value"], rows });
}
