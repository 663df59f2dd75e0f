/**
 * A text in pieces, one for each of its first tokens, as they stand in it: joined they are the text, or its beginning where
 * there are more tokens. Byte-level tokens may hold parts of a character: it then stands in the token that completes it,
 * and a token that only begins or continues one is empty. The same goes for what Unicode's normalisation makes one
 * character of (a letter and its accent).
 * @param lengths how many bytes of UTF-8 each token stands for, [T], in the text as `normalize` changes it
 * @param options.whole whether these are all of the text's tokens: then the last takes what is left
 */
export function tokenTexts(text: string, lengths: ArrayLike<number>, { whole, normalize = (part) => part }: { whole: boolean; normalize?: (text: string) => string }): string[] {
  const texts: string[] = [];
  const characters = ends(text, normalize);
  let next = characters.next();
  let [from, to, bytes] = [0, 0, 0];
  for (let t = 0; t < lengths.length; t++) {
    bytes += lengths[t];
    while (!next.done && next.value.bytes <= bytes) {
      to = next.value.index;
      next = characters.next();
    }
    if (whole && t === lengths.length - 1) to = text.length;
    texts.push(text.slice(from, to));
    from = to;
  }
  return texts;
}

/** Where each character ends, in the text and in the bytes of its normal form. */
function* ends(text: string, normalize: (text: string) => string): Generator<{ index: number; bytes: number }, undefined> {
  const normal = normalize(text) === text;
  let [index, bytes] = [0, 0];
  for (const part of normal ? text : clusters(text, normalize)) {
    index += part.length;
    bytes += utf8Length(normal ? part : normalize(part));
    yield { index, bytes };
  }
}

/** Parts of a text whose normal forms, joined, are its own: a character with all that combines with it. */
function* clusters(text: string, normalize: (text: string) => string): Generator<string> {
  let cluster = "";
  for (const character of text) {
    if (cluster !== "" && !/\p{M}/u.test(character) && normalize(cluster + character) === normalize(cluster) + normalize(character)) {
      yield cluster;
      cluster = "";
    }
    cluster += character;
  }
  if (cluster !== "") yield cluster;
}

/** Bytes of UTF-8; a lone half of a surrogate pair becomes U+FFFD. */
export function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0)!;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
