/**
 * An order in which similar things stand together: clusters are joined from the most similar on (average linkage), each time with those of
 * their ends together that are most alike.
 * @param similarity [N][N], symmetric; what is not a number counts as unlike everything
 * @returns the N indices
 */
export function similarityOrder(similarity: readonly (readonly number[])[]): number[] {
  const between = (i: number, j: number) => (Number.isNaN(similarity[i][j]) ? -1 : similarity[i][j]);
  const clusters = similarity.map((_, i) => [i]);
  const linkage = similarity.map((_, i) => similarity.map((_, j) => between(i, j)));
  while (clusters.length > 1) {
    let [a, b] = [0, 1];
    for (let i = 0; i < clusters.length; i++) for (let j = i + 1; j < clusters.length; j++) if (linkage[i][j] > linkage[a][b]) [a, b] = [i, j];
    const [x, y] = [clusters[a].length, clusters[b].length];
    for (let i = 0; i < clusters.length; i++) linkage[i][a] = linkage[a][i] = (x * linkage[a][i] + y * linkage[b][i]) / (x + y);
    clusters[a] = joined(clusters[a], clusters[b], between);
    clusters.splice(b, 1);
    linkage.splice(b, 1);
    for (const row of linkage) row.splice(b, 1);
  }
  const [order = []] = clusters;
  return order[0] > order.at(-1)! ? order.reverse() : order; // either way round says the same
}

function joined(a: number[], b: number[], between: (i: number, j: number) => number): number[] {
  const ways = [
    [a, b],
    [a, [...b].reverse()],
    [[...a].reverse(), b],
    [b, a],
  ];
  return ways.reduce((best, way) => (seam(way, between) > seam(best, between) ? way : best)).flat();
}

const seam = ([left, right]: number[][], between: (i: number, j: number) => number) => between(left.at(-1)!, right[0]);
