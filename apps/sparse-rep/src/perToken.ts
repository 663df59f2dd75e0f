import { extname } from "node:path";
import { atomicWriter, CommandError } from "@dictlearn/command";
import { tokenRows, tokensAsCsv, tokensAsJsonl, type TokenFormat } from "@dictlearn/report";
import { type Beside } from "./besides.js";

const formats: Readonly<Record<string, (options: { several: boolean }) => TokenFormat | Promise<TokenFormat>>> = {
  ".jsonl": tokensAsJsonl,
  ".csv": tokensAsCsv,
  ".parquet": async (options) => (await import("@dictlearn/report/parquet")).tokensAsParquet(options), // few runs need it
};

/** What the ending of a file's name stands for. @throws CommandError USAGE for another */
export function tokenFormat(file: string): (options: { several: boolean }) => TokenFormat | Promise<TokenFormat> {
  const ending = extname(file).toLowerCase();
  if (Object.hasOwn(formats, ending)) return formats[ending];
  throw new CommandError("USAGE", `--per-token: expected a file ending in ${Object.keys(formats).join(", ")}, got ${JSON.stringify(file)}`);
}

/** The features of every token, as a file. @param places site and dictionary of each reading, where there are several */
export async function perToken(file: string, places: readonly { site: string; dictionary: string }[] | undefined): Promise<Beside> {
  const format = await tokenFormat(file)({ several: places !== undefined });
  const writer = await atomicWriter(file);
  let sentence = 0;
  return {
    async add(rows) {
      await writer.write(format.add(rows.flatMap((row, i) => tokenRows(places ? { ...row, ...places[i] } : row, sentence))));
      sentence++;
    },
    async commit() {
      await writer.write(format.end());
      await writer.commit();
    },
    discard: () => writer.discard(),
  };
}
