const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }); // a mark inside a file is a character

/** Bytes as text, undefined if they are not UTF-8. */
export function utf8(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
