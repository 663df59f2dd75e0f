import { type Content, html, Markup } from "./markup.js";
import { style } from "./style.js";

export interface DocumentOptions {
  title: string;
  /** Under the title: what this is and when it was. */
  lead: Content;
  /** Style beyond what all pages share. */
  style?: string;
  main: Content;
  /** Of `src/page/*.page.ts`, bundled. It runs when all is there. */
  script?: { script: string; hash: string };
  /** What the script works on: anything that JSON can hold; it finds it in `#data`. */
  data?: unknown;
  /** Whether the script loads others that lie beside the page, of data, on a server or on a disk: by a policy named "data" that makes their addresses. */
  dataScripts?: true;
}

/**
 * A whole page that needs nothing else: no network, no other file. Its policy lets in nothing but its own script, and that
 * one cannot make markup of text.
 */
export function documentOf({ title, lead, style: own = "", main, script, data, dataScripts }: DocumentOptions): string {
  const scripts = script ? `script-src '${script.hash}'${dataScripts ? " 'self' file:" : ""}; require-trusted-types-for 'script'; trusted-types ${dataScripts ? "data" : "'none'"}; ` : "";
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; ${new Markup(scripts)}style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Markup(style + own)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><h1>${title}</h1>
${lead}</header>
<main id="main">
${main}</main>
${data !== undefined && html`<script type="application/json" id="data">${json(data)}</script>
`}${script && html`<script>${new Markup(script.script)}</script>
`}</body>
</html>
`.text;
}

/** JSON in which no `</script>` or `<!--` can stand. */
function json(data: unknown): Markup {
  return new Markup(JSON.stringify(data).replaceAll("<", "\\u003c"));
}
