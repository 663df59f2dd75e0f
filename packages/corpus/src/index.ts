export { CorpusError } from "./corpus-error.js";
export { readCsv, type CsvOptions, type TextRow } from "./read-csv.js";
