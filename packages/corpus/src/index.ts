export { CorpusError } from "./corpusError.js";
export { readCsv, type CsvOptions, type TextRow } from "./readCsv.js";
