import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createViteServer } from "vitest/node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { asShipped } from "../scripts/asShipped.ts";

const folder = mkdtempSync(join(tmpdir(), "as-shipped-"));
const file = (path: string) => join(folder, "packages/p", path);
let server: Awaited<ReturnType<typeof createViteServer>>;

beforeAll(async () => {
  mkdirSync(file("src"), { recursive: true });
  mkdirSync(file("dist"), { recursive: true });
  for (const name of ["built", "edited", "never"]) writeFileSync(file(`src/${name}.ts`), "new");
  writeFileSync(file("dist/built.js.map"), JSON.stringify({ sourcesContent: ["new"] }));
  writeFileSync(file("dist/edited.js.map"), JSON.stringify({ sourcesContent: ["old"] }));
  for (const name of ["built", "edited"]) writeFileSync(file(`dist/${name}.js`), "");
  server = await createViteServer({ configFile: false, root: folder, plugins: [asShipped()], logLevel: "silent" });
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const resolved = (id: string, from = "src/a.test.ts") => server.pluginContainer.resolveId(id, file(from));

test("a test gets the built file of a source", async () => {
  expect((await resolved("./built.js"))?.id).toBe(file("dist/built.js"));
});

test.each([
  ["edited", "an older one"],
  ["never", "none"],
])("a source that was %s is an error", async (name, got) => {
  await expect(resolved(`./${name}.js`)).rejects.toThrow(`expected the build of src/${name}.ts, got ${got}; run \`pnpm build\``);
});

test("tests here get what is built", async () => {
  const command = await import("../packages/command/src/index.js");
  expect(command).toBe(await import(fileURLToPath(new URL("../packages/command/dist/index.js", import.meta.url))));
});
