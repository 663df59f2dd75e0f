/** Shards in memory. It notes what is read, in order. */
export function memoryStore() {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const reads: string[] = [];
  return {
    files,
    reads,
    async write(name: string, chunks: Iterable<Uint8Array>) {
      files.set(name, Uint8Array.from([...chunks].flatMap((chunk) => [...chunk])));
    },
    async read(name: string) {
      reads.push(name);
      const bytes = files.get(name);
      if (!bytes) throw new Error(`${name}: no such file`);
      return { byteLength: bytes.length, name, slice: async (start: number, end: number) => bytes.slice(start, end).buffer };
    },
    async list() {
      return [...files.keys()];
    },
  };
}
