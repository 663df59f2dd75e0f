import { type SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { type TokenFormat, type TokenRow } from "./tokenRow.js";

/** A row group is written when it has so many features, or so many tokens: it bounds what is held. */
const groupFeatures = 2 ** 18;
const groupTokens = 2 ** 16;

/**
 * Parquet: `features` is a list of int32 and `values` one of float; texts are dictionary-encoded, pages are compressed with snappy.
 * @param options.several rows are of several readings: `site` and `dictionary` come first
 */
export function tokensAsParquet({ several }: { several: boolean }): TokenFormat {
  const names = [...(several ? (["site", "dictionary"] as const) : []), "sentence", "position", "token_id", "token", "features", "values"] as const;
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({ writer: bytes, schema: [{ name: "root", num_children: names.length }, ...names.flatMap((name) => schema[name])], createdBy: "dictlearn" });
  let group: TokenRow[] = [];
  let features = 0;

  function take(): Uint8Array {
    const taken = bytes.getBytes().slice();
    bytes.index = 0; // its offset goes on counting
    return taken;
  }
  function write(): void {
    if (group.length > 0) void writer.write({ columnData: names.map((name) => ({ name, data: group.map((row) => row[name]) })), rowGroupSize: group.length });
    group = [];
    features = 0;
  }
  return {
    add(rows) {
      for (const row of rows) {
        group.push(row);
        features += row.features.length;
        if (features >= groupFeatures || group.length >= groupTokens) write();
      }
      return take();
    },
    end() {
      write();
      void writer.finish();
      return take();
    },
  };
}

const text = (name: string): SchemaElement[] => [{ name, type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" }];
const whole = (name: string): SchemaElement[] => [{ name, type: "INT32", repetition_type: "REQUIRED" }];
const list = (name: string, type: "INT32" | "FLOAT"): SchemaElement[] => [
  { name, converted_type: "LIST", repetition_type: "REQUIRED", num_children: 1 },
  { name: "list", repetition_type: "REPEATED", num_children: 1 },
  { name: "element", type, repetition_type: "REQUIRED" },
];

const schema: Readonly<Record<keyof TokenRow, SchemaElement[]>> = {
  site: text("site"),
  dictionary: text("dictionary"),
  sentence: whole("sentence"),
  position: whole("position"),
  token_id: whole("token_id"),
  token: text("token"),
  features: list("features", "INT32"),
  values: list("values", "FLOAT"),
};
