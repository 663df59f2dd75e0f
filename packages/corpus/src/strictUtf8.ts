import { concat } from "./concat.js";
import { CorpusError } from "./corpusError.js";

/**
 * Bytes as text, chunk by chunk; a byte order mark at the start is left out.
 * @param source UTF-8 bytes, cut anywhere: a character may span chunks
 * @param name what error messages call the source
 * @throws CorpusError FORMAT `notes.csv: expected UTF-8, got byte 0xe9 at offset 1042`
 */
export async function* strictUtf8(source: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let length = 0; // bytes decoded so far
  let last: Uint8Array = new Uint8Array(); // the last character of them, perhaps unfinished
  for await (const chunk of source) {
    let text: string;
    try {
      text = decoder.decode(chunk, { stream: true });
    } catch {
      const bytes = concat([last, chunk]);
      const at = firstInvalid(bytes);
      throw notUtf8(name, bytes[at], length - last.length + at);
    }
    length += chunk.length;
    last = lastCharacter(concat([last, chunk.subarray(-longestCharacter)]));
    if (text) yield text;
  }
  try {
    decoder.decode();
  } catch {
    throw notUtf8(name, last[0], length - last.length);
  }
}

const longestCharacter = 4; // bytes

function notUtf8(name: string, byte: number, offset: number): CorpusError {
  return new CorpusError(
    "FORMAT",
    `${name}: expected UTF-8, got byte 0x${byte.toString(16).padStart(2, "0")} at offset ${offset}`,
    "save it as UTF-8 (spreadsheets call it CSV UTF-8)",
  );
}

/** Index of the first byte that no UTF-8 text has there: TextDecoder says that there is one, not where. */
function firstInvalid(bytes: Uint8Array): number {
  let valid = 0; // the start of a text, perhaps with an unfinished character
  let invalid = bytes.length;
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1;
    if (decodes(bytes.subarray(0, middle), { stream: true })) valid = middle;
    else invalid = middle;
  }
  const unfinished = lastCharacter(bytes.subarray(0, valid));
  return decodes(unfinished, { stream: false }) ? valid : valid - unfinished.length;
}

function decodes(bytes: Uint8Array, options: TextDecodeOptions): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes, options);
    return true;
  } catch {
    return false;
  }
}

/** From the last byte that is not a continuation (10xxxxxx) on. */
function lastCharacter(bytes: Uint8Array): Uint8Array {
  let start = bytes.length - 1;
  while (start > 0 && (bytes[start] & 0xc0) === 0x80) start--;
  return bytes.subarray(Math.max(start, 0));
}
