import { type FeatureDensity } from "../featureDensity.js";
import { bytes, concat, double, type Field, fieldsOf, float, message, packed, text, varint } from "./protobuf.js";
import { record, recordsIn } from "./records.js";

// Messages of TensorFlow's event.proto, summary.proto, tensor.proto, and of TensorBoard's plugins text and hparams.

/** When something was, as a file of events has it. */
export interface At {
  /** Seconds since 1970. */
  readonly wallTime: number;
  readonly step: number;
}

const event = ({ wallTime, step }: At, what: Field): Uint8Array<ArrayBuffer> => record(concat([double(1, wallTime), ...(step === 0 ? [] : [varint(2, step)]), what]));
const summary = (at: At, values: readonly Field[][]): Uint8Array<ArrayBuffer> => event(at, message(5, ...values.map((value) => message(1, ...value))));

/** What a file of events begins with; behind it that the run starts at a step: readers drop what they have of later ones. */
export function eventsStart({ wallTime, step }: At): Uint8Array<ArrayBuffer> {
  const start = varint(1, 1); // SessionLog.START
  return concat([event({ wallTime, step: 0 }, text(3, "brain.Event:2")), event({ wallTime, step }, message(7, start))]);
}

/** Numbers by tag, as f32. */
export function scalarEvent(at: At, scalars: Readonly<Record<string, number>>): Uint8Array<ArrayBuffer> {
  return summary(at, Object.entries(scalars).map(([tag, value]) => [text(1, tag), float(2, value)]));
}

/** Features by the log10 of the share of tokens that they are active on; those that never are have none. Sums count a bin's features at its middle. */
export function densityEvent(at: At, tag: string, { log10, features }: FeatureDensity): Uint8Array<ArrayBuffer> {
  const width = 0.25;
  const total = (of: (middle: number) => number) => features.reduce((sum, n, i) => sum + n * of(log10[i] + width / 2), 0);
  const histogram = [double(1, log10[0] ?? 0), double(2, log10.length ? log10.at(-1)! + width : 0), double(3, total(() => 1)), double(4, total((x) => x)), double(5, total((x) => x * x)), packed(6, log10.map((low) => low + width)), packed(7, features)];
  return summary(at, [[text(1, tag), message(5, ...histogram)]]);
}

const metadata = (plugin: string, content: Uint8Array = new Uint8Array()): Field => message(9, message(1, text(1, plugin), ...(content.length ? [bytes(2, content)] : [])));

/** A text, as Markdown. */
export function textEvent(at: At, tag: string, markdown: string): Uint8Array<ArrayBuffer> {
  const strings = 7; // DT_STRING
  return summary(at, [[text(1, tag), metadata("text"), message(8, varint(1, strings), message(2, message(2, varint(1, 1))), text(8, markdown))]]);
}

/** A run's parameters, for the plugin hparams, which finds its metrics by itself. Lists and objects are JSON there. */
export function parametersEvent(at: At, parameters: Readonly<Record<string, unknown>>): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== null);
  const start = [...entries.map(([name, value]) => message(1, text(1, name), message(2, valueOf(value)))), double(5, at.wallTime)];
  return summary(at, [[text(1, "_hparams_/session_start_info"), metadata("hparams", message(3, ...start))]]);
}

/** google.protobuf.Value */
function valueOf(value: unknown): Field {
  if (typeof value === "number") return double(2, value);
  if (typeof value === "boolean") return varint(4, Number(value));
  return text(3, typeof value === "string" ? value : JSON.stringify(value));
}

/** A file of events without some: those that `keep` refuses, by their step and the tag of their first value, and what is cut off. */
export function eventsThat(file: Uint8Array, keep: (event: { step: number; tag?: string }) => boolean): Uint8Array<ArrayBuffer> {
  const kept: Uint8Array[] = [];
  for (const data of recordsIn(file)) {
    const fields = new Map([...fieldsOf(data)].map(({ field, value }) => [field, value]));
    if (keep({ step: (fields.get(2) ?? 0) as number, tag: tagOf(fields.get(5) as Uint8Array | undefined) })) kept.push(record(data));
  }
  return concat(kept);
}

function tagOf(summary: Uint8Array | undefined): string | undefined {
  const inside = (data: Uint8Array | undefined) => (data === undefined ? undefined : ([...fieldsOf(data)].find(({ field }) => field === 1)?.value as Uint8Array | undefined));
  const tag = inside(inside(summary));
  return tag && new TextDecoder().decode(tag);
}
