const codes = new Set(["SHAPE", "FORMAT", "NOT_FOUND", "NETWORK", "UNSUPPORTED", "IO", "USAGE"]);
const ours = new Set(["CheckpointError", "CorpusError", "HubError", "NeoxError", "DictionaryError", "ActivationsError", "DictlearnError", "CommandError"]);

export const slowest = 1000; // milliseconds
const smallest = 4 * 2 ** 20; // bytes that any reader may take: streams, tables, what the engine has not collected

/**
 * Lets a reader have an input.
 * @returns {Promise<{ refused: boolean, ms: number, bytes: number, fault?: string }>} bytes is what it took of memory
 */
export async function attempt({ read, limit = smallest }, input) {
  const before = held();
  const began = process.cpuUsage();
  let refused = false;
  let fault;
  try {
    await read(input);
  } catch (error) {
    refused = true;
    if (!isOurs(error)) fault = `an error of the wrong kind: ${error instanceof Error ? (error.stack ?? error.message).split("\n").slice(0, 4).join(" | ") : String(error)}`;
  }
  const { user, system } = process.cpuUsage(began); // processor time: a busy machine may halt any input
  const ms = (user + system) / 1000;
  const bytes = held() - before;
  const most = limit + 10 * input.length;
  if (ms > slowest) fault ??= `${Math.round(ms)} ms, more than ${slowest}`;
  if (bytes > most) fault ??= `${bytes} bytes of memory for an input of ${input.length}, more than ${most}`;
  if (Object.keys(Object.prototype).length > 0 || "a" in {}) fault ??= "a changed Object.prototype";
  return { refused, ms, bytes, ...(fault && { fault }) };
}

const isOurs = (error) => error instanceof Error && ours.has(error.name) && codes.has(error.code) && error.message.length <= 4001;

function held() {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
