// An app's main.js and what `PACKAGE/command` gives, each as one file with all that it imports: some 300 modules take Node
// 0.2 s to find and compile, one a third of that. Called in the app's folder, behind tsc. Names stay as they are, for stacks.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { rolldown } from "rolldown";

/** What stays a package of its own: what brings data or native code, and apps. */
const external = [/^@dictlearn\/(demo|sparse-rep|train)(\/|$)/, "onnxruntime-node", "webgpu", "canvas"];

for (const file of readdirSync("dist").filter((file) => file.startsWith("bundled"))) rmSync(join("dist", file));
const thread = join(dirname(createRequire(resolve("dist/main.js")).resolve("dictlearn")), "dictionaryThread.js");
const input = { main: "dist/main.js", dictionaryThread: thread, ...(readdirSync("dist").includes("command.js") && { bundled: "dist/command.js" }) };
const bundle = await rolldown({ input, external, platform: "node", transform: { target: "es2022" }, onLog: (_, { message }) => { throw new Error(message); } });
const { output } = await bundle.write({ dir: "dist", format: "esm", chunkFileNames: "bundled-[name].js" }); // beside the others: paths relative to a module hold
await bundle.close();

// Licences ask that their text comes with copies.
const folders = new Set(output.flatMap(({ moduleIds = [] }) => moduleIds).map((id) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(id)?.[0]).filter(Boolean));
const notices = [...folders].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const texts = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file)).map((file) => readFileSync(join(folder, file), "utf8").trim());
  return [`${name} ${version} (${license})`, ...texts].join("\n\n");
});
writeFileSync("dist/bundled-notices.txt", `${notices.join(`\n\n${"-".repeat(100)}\n\n`)}\n`);
