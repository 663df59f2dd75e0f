import { DictlearnError } from "./error.js";

/**
 * Refuses objects that say they have a length: to the library they pass for texts and lists, and it counts to any number.
 * Vocabularies of names may have the word; one that is numbered must be a list. A step that cuts texts by length needs one to get on.
 * @param json tokenizer.json
 * @throws DictlearnError FORMAT
 */
export function refuseFalseLengths(json: Readonly<Record<string, unknown>>, path: string): void {
  const { vocab, merges: _merges, ...model } = (json.model ?? {}) as Readonly<Record<string, unknown>>; // large, and of merges only names are compared
  const numbered = model.type === "Unigram" && !Array.isArray(vocab);
  if (numbered || hasOne({ ...json, model })) throw new DictlearnError("FORMAT", `${path}: expected texts, lists and whole lengths, got an object, or a length that is none`);
}

function hasOne(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { type, length } = value as { type?: unknown; length?: unknown };
  const cuts = type === "FixedLength" && Number.isSafeInteger(length) && (length as number) > 0;
  return (!Array.isArray(value) && Object.hasOwn(value, "length") && !cuts) || Object.values(value).some(hasOne);
}
