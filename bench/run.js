// pnpm -s bench NAME [options]: runs the benchmark ./NAME.js
import { readdirSync } from "node:fs";

const [name = ""] = process.argv.slice(2).filter((word) => word !== "--");
const names = readdirSync(new URL(".", import.meta.url)).flatMap((entry) => entry.match(/^([\w-]+)\.js$/)?.[1] ?? []).filter((entry) => entry !== "run");

if (names.includes(name)) await import(`./${name}.js`);
else {
  console.error(`bench: expected one of ${names.join(", ")}, got ${name || "none"}`);
  process.exitCode = 1;
}
