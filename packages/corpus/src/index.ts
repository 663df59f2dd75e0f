export { CorpusError } from "./corpusError.js";
export { type Cursor } from "./cursor.js";
export { kindOf } from "./formats.js";
export { readCsv, type CsvOptions, type TextRow } from "./readCsv.js";
export { readTexts, type ShardReport, type Text, type TextOptions } from "./readTexts.js";
export { blobShard, type Shard } from "./shard.js";
export { type Shuffle } from "./shuffled.js";
