import { stringify } from "csv-stringify/browser/esm/sync"; // the build that runs in a page as well
import { type TokenFormat } from "./tokenRow.js";

/** One JSON object a token and line. */
export function tokensAsJsonl(): TokenFormat {
  return { add: (rows) => rows.map((row) => `${JSON.stringify(row)}\n`).join(""), end: () => "" };
}

const columns = ["sentence", "position", "token_id", "token", "features"];

/** CSV with a header; `features` is `17:1.5 1024:3.25`, features with their values. @param options.several rows are of several readings: `site` and `dictionary` come first */
export function tokensAsCsv({ several }: { several: boolean }): TokenFormat {
  let header = stringify([[...(several ? ["site", "dictionary"] : []), ...columns]]);
  const rest = (text: string) => {
    const all = header + text;
    header = "";
    return all;
  };
  return {
    add: (rows) =>
      rest(stringify(rows.map(({ site, dictionary, sentence, position, token_id, token, features, values }) => [...(several ? [site, dictionary] : []), sentence, position, token_id, token, features.map((feature, i) => `${feature}:${values[i]}`).join(" ")]))),
    end: () => rest(""),
  };
}
