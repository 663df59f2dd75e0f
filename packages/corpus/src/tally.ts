import { CorpusError } from "./corpusError.js";
import type { Progress } from "./cursor.js";

/** Counts rows, and gives up where too many are broken. */
export class Tally {
  rows: number;
  broken: number;
  readonly #onBroken: (row: string) => void;
  readonly #first: string[] = [];

  constructor({ rows, broken }: Pick<Progress, "rows" | "broken">, onBroken: (row: string) => void = () => {}) {
    this.rows = rows;
    this.broken = broken;
    this.#onBroken = onBroken;
  }

  /** @throws CorpusError FORMAT where more than 1 % of at least 100 rows are broken */
  addBroken(fault: string): void {
    this.rows++;
    this.broken++;
    if (this.#first.length < shown) {
      this.#first.push(fault);
      this.#onBroken(fault);
    }
    if (this.rows >= enough && this.broken * 100 > this.rows)
      throw new CorpusError("FORMAT", `texts: expected at most 1 % broken rows, got ${this.broken} of ${this.rows}${this.#examples}`, "mend the files, or leave them out");
  }

  /** The error of reading to the end of everything without a text. */
  nothing(column: string, where: string): CorpusError {
    const got = this.rows === 0 ? "no row" : `none in ${this.rows} rows, ${this.broken} of them broken${this.#examples}`;
    return new CorpusError("FORMAT", `texts: expected texts in column ${JSON.stringify(column)} of ${where}, got ${got}`, "choose another column with the option column, or other files");
  }

  get #examples(): string {
    return this.#first.length > 0 ? `, such as${this.#first.map((fault) => `\n  ${fault}`).join("")}` : "";
  }
}

const shown = 5;
const enough = 100; // rows
