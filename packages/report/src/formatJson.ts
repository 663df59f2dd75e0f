import { type Analysis, type Provenance, type Sentences, written } from "./analysis.js";

/** An `Analysis` as one JSON document, written as the sentences come, each on a line of its own. */
export async function* formatJson({ model, dictionary, site, pooling, device }: Provenance, sentences: Sentences): AsyncGenerator<string> {
  const empty: Analysis = { model, dictionary, site, pooling, device, sentences: [] };
  yield JSON.stringify(empty, null, 2).slice(0, -"]\n}".length);
  let before = "\n    ";
  for await (const sentence of sentences) {
    yield before + JSON.stringify(written(sentence));
    before = ",\n    ";
  }
  yield "\n  ]\n}\n";
}
