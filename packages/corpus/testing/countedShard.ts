/** A shard in memory that is cut into chunks of `size` bytes and counts what is read and what is open. */
export function countedShard(name: string, content: Uint8Array | string, size = 1000) {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : Uint8Array.from(content);
  const count = { read: 0, opened: 0, open: 0, from: [] as number[] };
  return {
    name,
    byteLength: bytes.length,
    count,
    async *stream(start = 0): AsyncGenerator<Uint8Array> {
      count.opened++;
      count.open++;
      count.from.push(start);
      try {
        for (let at = start; at < bytes.length; at += size) {
          const chunk = bytes.slice(at, at + size);
          count.read += chunk.length;
          yield chunk;
        }
      } finally {
        count.open--;
      }
    },
    async slice(start: number, end: number): Promise<ArrayBuffer> {
      count.read += Math.min(end, bytes.length) - start;
      return bytes.slice(start, end).buffer;
    },
  };
}
