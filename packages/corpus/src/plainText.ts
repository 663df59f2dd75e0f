import type { Format } from "./format.js";
import { lineRows } from "./lineRows.js";
import { utf8 } from "./utf8.js";

/** A text a line, whatever the column is called; blank lines are skipped. */
export const plainText: Format = {
  kind: "text",
  endings: [".txt"],
  compressible: true,
  opensAt: "start",
  read: (shard, reading) =>
    lineRows(shard, reading, (bytes, number) => {
      const text = utf8(bytes);
      if (text === undefined) return { fault: `${shard.name}:${number}: expected UTF-8, got other bytes` };
      return text.trim() === "" ? undefined : { text };
    }),
};
