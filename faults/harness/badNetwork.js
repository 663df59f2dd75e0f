/** What can go wrong with a request, and how often beside the others. */
const kinds = [
  [6, "cut", (random) => ({ cutAfter: random.pick([0, 1, random.below(2_000), random.below(200_000)]) })],
  [3, "refused", (random) => ({ status: random.pick([500, 502, 503, 504, 408]) })],
  [3, "too many", (random) => ({ status: 429, headers: { "retry-after": random.pick(["0", new Date(0).toUTCString()]) } })],
  [1, "silent", () => ({ hang: "headers" })],
  [1, "stalled", () => ({ hang: "body" })],
  [2, "slow", (random) => ({ pause: random.below(30) })],
  [2, "a wrong length", (random) => ({ headers: { "content-length": String(random.below(2_000_000)) } }), ({ method }) => method === "GET"],
  [3, "expired", (random) => ({ status: random.pick([401, 403]) }), ({ origin }) => origin === "cdn"],
  [2, "without ranges", () => ({ ignoreRange: true }), ({ range }, { ranges }) => range !== undefined && !ranges],
  [4, "wrong bytes", () => ({ corrupt: true }), ({ method, path }, { checked, spoilt }) => method === "GET" && checked(path) && !spoilt.has(path)],
];

/**
 * A schedule of faults for a loopback Hub: every third request or so goes wrong, and none so often that it could not be mended.
 * @param options.stalls whether requests may stay without an answer, which takes the whole patience of whoever asks
 * @param options.checked whether the bytes at a path are compared with a hash: only there may they be wrong, once
 * @param options.ranges whether something is read that needs a server with ranges
 */
export function badNetwork(random, { share = 0.3, stalls = 1, checked = () => false, ranges = false } = {}) {
  const faults = {};
  const inARow = new Map();
  const context = { checked, ranges, spoilt: new Set() };
  let silences = 0;
  const schedule = (request) => {
    const key = `${request.origin} ${request.path}`;
    const before = inARow.get(key) ?? 0;
    inARow.set(key, 0);
    if (random.next() >= share || before >= 3) return undefined;
    const possible = kinds.filter(([, name, , fits]) => (fits === undefined || fits(request, context)) && (!(name === "silent" || name === "stalled") || silences < stalls));
    let at = random.next() * possible.reduce((sum, [weight]) => sum + weight, 0);
    const [, name, make] = possible.find(([weight]) => (at -= weight) < 0) ?? possible[0];
    if (name === "silent" || name === "stalled") silences++;
    if (name === "wrong bytes") context.spoilt.add(request.path);
    if (name !== "slow") inARow.set(key, before + 1);
    faults[name] = (faults[name] ?? 0) + 1;
    return make(random);
  };
  return { schedule, faults, count: () => Object.values(faults).reduce((sum, n) => sum + n, 0) };
}
