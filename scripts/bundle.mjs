// An app's program, what `PACKAGE/command` gives, and the thread that reads dictionaries, each as one file with all that it
// imports: some 300 modules take Node 0.2 s to find and compile, one a third of that. CommonJS, since that can be loaded as it
// was compiled before (`@dictlearn/command/compiled`). Called in the app's folder, behind tsc. Names stay as they are, for stacks.
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { rolldown } from "rolldown";

/** What stays a package of its own: what brings data or native code, and apps. */
const external = [/^@dictlearn\/(demo|sparse-rep|train)(\/|$)/, "onnxruntime-node", "webgpu", "canvas"];

for (const file of readdirSync("dist").filter((file) => file.startsWith("bundled"))) rmSync(join("dist", file));
const { resolve: found } = createRequire(resolve("dist/main.js"));
const thread = join(dirname(found("dictlearn")), "dictionaryThread.js");
const hasCommand = readdirSync("dist").includes("command.js");
const input = { main: "dist/main.js", dictionaryThread: thread, ...(hasCommand && { command: "dist/command.js" }) };
/** A compiled script can't `import`; whoever loads it lends it theirs. */
const lentImport = {
  name: "lent-import",
  renderChunk(code) {
    const places = [];
    (function walk(node) {
      if (node?.type === "ImportExpression") places.push(node.start);
      if (typeof node === "object" && node !== null) Object.values(node).forEach(walk);
    })(this.parse(code));
    for (const at of places.reverse()) code = `${code.slice(0, at)}importHere${code.slice(at + "import".length)}`;
    return { code };
  },
};
const bundle = await rolldown({ input, external, plugins: [lentImport], platform: "node", transform: { target: "es2022" }, onLog: (_, { message }) => { throw new Error(message); } });
const file = "bundled-[name].cjs"; // beside the others: paths relative to a module hold
const { output } = await bundle.write({ dir: "dist", format: "cjs", entryFileNames: file, chunkFileNames: file, banner: '"use strict";' });
await bundle.close();

// What loads them. It stands by itself, since nothing else is compiled when it runs.
const own = await rolldown({ input: found("@dictlearn/command/compiled"), platform: "node" });
await own.write({ file: "dist/bundled-load.cjs", format: "cjs" });
await own.close();
const load = (name) => `require("./bundled-load.cjs").loadCompiled(require("node:path").join(__dirname, "bundled-${name}.cjs"), (name) => import(name))`;
writeFileSync("dist/main.cjs", `#!/usr/bin/env node\n${load("main")};\n`);
writeFileSync("dist/dictionaryThread.cjs", `${load("dictionaryThread")};\n`);
if (hasCommand) writeFileSync("dist/bundled.cjs", `exports.command = ${load("command")}.command;\n`);

// Licences ask that their text comes with copies.
const folders = new Set(output.flatMap(({ moduleIds = [] }) => moduleIds).map((id) => /^.*\/node_modules\/(@[^/]+\/)?[^/]+/.exec(id)?.[0]).filter(Boolean));
const notices = [...folders].sort().map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const texts = readdirSync(folder).filter((file) => /^(licen[cs]e|notice)/i.test(file)).map((file) => readFileSync(join(folder, file), "utf8").trim());
  return [`${name} ${version} (${license})`, ...texts].join("\n\n");
});
writeFileSync("dist/bundled-notices.txt", `${notices.join(`\n\n${"-".repeat(100)}\n\n`)}\n`);
