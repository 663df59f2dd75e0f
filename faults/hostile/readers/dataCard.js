import { dataFiles } from "../../../packages/dictlearn/dist/dataFiles.js";
import { bytesOf, textOf } from "../json.js";

const card = `---
license: mit
configs:
- config_name: default
  data_files:
  - split: train
    path: "data/train-*.parquet"
  - split: test
    path: [data/test.jsonl, "test/**"]
- config_name: en
  data_dir: en
  default: true
  data_files: "*.csv"
---
# Card
`;
const files = ["data/train-00000-of-00001.parquet", "data/test.jsonl", "test/a.jsonl", "en/a.csv", `${"a".repeat(200)}.csv`, `${"a/".repeat(60)}b.jsonl`];
const nested = (open, close, n) => `${open.repeat(n)}1${close.repeat(n)}`;
const laughs = (n) => Array.from({ length: n }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(i === 0 ? "x" : `*a${i}`).join(", ")}]`).join("\n");
const words = ["&a", "*a", "!!binary", "!!python/object/apply:os.system", "<<: *a", "? ", "- ", "| ", ">", "{", "}", "[", "]", "%YAML 1.1\n", "---\n", "...\n", '"\\x00"', "1e999", "__proto__: 1\n", "configs:\n", "path: '*a*a*a*a'\n", "path: '[a-z'\n", "path: '!(a|b)'\n", "\t", ": ", "#", "constructor: x\n", nested("[", "]", 400), nested("{a: ", "}", 200), laughs(6)];
const patterns = ["*", "**/*", "{a,b}", "[!a]", "(a|a)+", "*a*a*a*", "+(a)", "../*", "/etc/*", "a\\", "?".repeat(60), "[".repeat(60), "**/".repeat(30), "\0"];

/** The card of a data set: YAML between dashes, and the patterns in it. */
export const dataCard = {
  name: "dataCard",
  limit: 8 * 2 ** 20, // a thousand faults of one card are told apart before the first is taken
  seeds: [bytesOf(card), bytesOf("---\nconfigs: []\n---\n"), bytesOf(`---\n${laughs(4)}\nconfigs: *a4\n---\n`)],
  tokens: [...words, ...patterns.map((pattern) => `"${pattern}"`)].map(bytesOf),
  make: (random) => bytesOf(`---\n${random.below(3) === 0 ? `${random.pick(words)}\n` : ""}configs:\n- config_name: a\n  data_files: ${JSON.stringify(random.pick(patterns) + random.pick(patterns))}\n${random.below(2) === 0 ? `  data_dir: ${random.pick(["..", "/", "en", '"\\0"', "[a]"])}\n` : ""}---\n`),
  async read(bytes) {
    const found = dataFiles({ name: "x", files, card: textOf(bytes) });
    for (const file of found) if (!files.includes(file)) throw new Error(`a file that there is not: ${file}`);
  },
};
