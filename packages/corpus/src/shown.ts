/** A value in a few words for a message. */
export function shown(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "string") return JSON.stringify(value.length > longest ? `${value.slice(0, longest)}…` : value);
  return typeof value === "object" ? "an object" : String(value);
}

const longest = 60; // characters
