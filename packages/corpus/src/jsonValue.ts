/** A value of JSON. Of a long text, one that takes far more memory than it has bytes is refused: an empty object takes 56. @throws Error */
export function jsonValue(json: string): unknown {
  if (json.length > short && containersIn(json) > mostContainers) throw new Error(`more than ${mostContainers} objects and lists in one row`);
  return JSON.parse(json);
}

const short = 2 ** 20; // characters
const mostContainers = 2 ** 20;

function containersIn(json: string): number {
  let found = 0;
  for (let at = 0; at < json.length; at++) {
    if (json[at] === '"') at = endOfString(json, at);
    else if (json[at] === "{" || json[at] === "[") found++;
  }
  return found;
}

/** Where a text ends: at its `"`. */
export function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at;
}
