/** Takes rows in advance, up to `most`. @returns those, and what is left, undefined where that is nothing */
export async function ahead<Row>(rows: Iterable<Row> | AsyncIterable<Row>, most: number): Promise<{ first: Row[]; rest?: AsyncGenerator<Row, void> }> {
  const all = each(rows);
  const first: Row[] = [];
  for (let next = await all.next(); !next.done; next = await all.next()) {
    if (first.length === most) return { first, rest: resumed(next.value, all) };
    first.push(next.value);
  }
  return { first };
}

async function* each<Row>(rows: Iterable<Row> | AsyncIterable<Row>): AsyncGenerator<Row, void> {
  yield* rows;
}

async function* resumed<Row>(next: Row, rest: AsyncGenerator<Row, void>): AsyncGenerator<Row, void> {
  try {
    yield next;
    yield* rest;
  } finally {
    await rest.return();
  }
}

/** So many rows decide how a table looks; it is one piece where there are no more. */
export const decisive = 10_000;
