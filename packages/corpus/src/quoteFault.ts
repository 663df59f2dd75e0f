/** A quoted cell that does not end as one: where it opens, and whether its quote is never closed or has text after it. */
export interface QuoteFault {
  opensAt: number;
  kind: "open" | "text after";
}

/**
 * The first quoted cell of a CSV row that is not `"…"` up to the next separator or the end of the row.
 * @param row the text of one row as it stands in the file, its line end included or not
 * @param separator between cells: a comma, in a .tsv a tab
 * @see RFC 4180, section 2, rules 5 to 7
 */
export function findQuoteFault(row: string, separator = ","): QuoteFault | undefined {
  for (let at = 0; at < row.length; at++) {
    if (row[at] === '"') {
      const opensAt = at;
      do {
        at = row.indexOf('"', at + 1) + 1;
        if (at === 0) return { opensAt, kind: "open" };
      } while (row[at] === '"'); // doubled: part of the cell
      if (at < row.length && !`${separator}\r\n`.includes(row[at])) return { opensAt, kind: "text after" };
    } else {
      at = row.indexOf(separator, at);
      if (at < 0) return undefined;
    }
  }
  return undefined;
}
