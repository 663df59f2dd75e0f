import { DictlearnError } from "./error.js";

/** Of one part of a tokenizer: published ones have two steps that make a text longer, and a handful in all. */
const [mostGrowing, mostSteps] = [3, 32];
const longest = 64; // characters that a replacement puts in

/**
 * Refuses a tokenizer whose steps could make a text longer without bounds: thirty that each double it fill any memory.
 * @param json tokenizer.json
 * @throws DictlearnError UNSUPPORTED
 */
export function refuseGrowth(json: Readonly<Record<string, unknown>>, path: string): void {
  for (const part of ["normalizer", "pre_tokenizer", "post_processor", "decoder"]) {
    const steps = stepsOf(json[part]);
    const growing = steps.filter(grows).length;
    if (steps.some(({ content }) => typeof content === "string" && content.length > longest)) throw new DictlearnError("UNSUPPORTED", `${path}: expected a ${part} that puts in at most ${longest} characters at a time, got more`, "it could make texts of any length");
    if (steps.length > mostSteps || growing > mostGrowing)
      throw new DictlearnError("UNSUPPORTED", `${path}: expected a ${part} of at most ${mostSteps} steps, ${mostGrowing} of which make a text longer, got ${steps.length} and ${growing}`, "it could make texts of any length");
  }
}

type Step = Readonly<Record<string, unknown>>;

/** A part with all that it holds, however deep. */
function stepsOf(part: unknown): Step[] {
  if (Array.isArray(part)) return part.flatMap(stepsOf);
  if (typeof part !== "object" || part === null) return [];
  const inner = Object.values(part).flatMap(stepsOf);
  return "type" in part ? [part as Step, ...inner] : inner;
}

function grows({ type, content }: Step): boolean {
  return type === "ByteLevel" || type === "Prepend" || (type === "Replace" && typeof content === "string" && content.length > 1);
}
