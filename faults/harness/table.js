/** What is kept of a part's run. */
export function resultOf({ name, promise }, { asked, done, counts, failures, seconds }, seed) {
  return { name, promise, seed, asked, done, broke: failures.length, counts, seconds: Math.round(seconds) };
}

/** One table of all parts, as Markdown. */
export function tableOf(results) {
  const count = (n) => n.toLocaleString("en");
  const rows = results.map(({ name, promise, asked, done, broke, counts, seconds }) => [
    String(promise),
    name,
    done < asked ? `${count(done)} of ${count(asked)} (time was up)` : count(done),
    Object.entries(counts).map(([what, n]) => `**${count(n)}** ${what}`).join(", "),
    count(broke),
    `${count(seconds)} s`,
  ]);
  return [["promise", "part", "cases", "counted", "broke", "time"], ["---", "---", "---:", "---", "---:", "---:"], ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
