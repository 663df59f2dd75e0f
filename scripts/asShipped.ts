import { existsSync, readFileSync } from "node:fs";
import type { Plugin } from "vitest/config";

/** Files that a build makes: loaded by Node itself, not through Vite. */
export const builtFiles = /\/(packages|apps)\/[^/]+\/dist\//;

const source = /^(.*\/(?:packages|apps)\/[^/]+)\/src\/(.+)(?<!\.test|\.d)\.ts$/;

/**
 * A test's `./gelu.js` is the built dist/gelu.js: the very file that a user gets, loaded as a user loads it, and one
 * copy of it. (Were it src/gelu.ts, `@dictlearn/kernels` from another package's dist would be a second copy, whose
 * classes and module state differ.) A package that was edited after its build is an error, not a stale pass.
 */
export function asShipped(): Plugin {
  return {
    name: "as-shipped",
    enforce: "pre",
    async resolveId(id, importer, options) {
      if (!id.startsWith(".") || !importer) return;
      const resolved = await this.resolve(id, importer, { ...options, skipSelf: true });
      const [, folder, name] = resolved?.id.match(source) ?? [];
      if (!folder) return;
      const js = `${folder}/dist/${name}.js`;
      if (compiledFrom(js) !== readFileSync(`${folder}/src/${name}.ts`, "utf8"))
        throw new Error(`${js}: expected the build of src/${name}.ts, got ${existsSync(js) ? "an older one" : "none"}; run \`pnpm build\``);
      return js;
    },
  };
}

/** The source that a compiled file came from, which its source map holds. */
function compiledFrom(js: string): string | undefined {
  return existsSync(`${js}.map`) ? JSON.parse(readFileSync(`${js}.map`, "utf8")).sourcesContent?.[0] : undefined;
}
