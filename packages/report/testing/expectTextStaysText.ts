import fc from "fast-check";
import { defaultTreeAdapter, parse, type DefaultTreeAdapterTypes } from "parse5";
import { expect } from "vitest";

type Node = DefaultTreeAdapterTypes.ChildNode | DefaultTreeAdapterTypes.Document;

/** Ways out of a text, an attribute, a title, a style, a script, an SVG, a comment; and characters that parsers treat as others. */
export const waysOut = [
  "<script>alert(1)</script>", "</script><script>alert(1)</script>", "</title><img src=x onerror=alert(1)>", "</style><svg onload=alert(1)>", '" onmouseover="alert(1)', "' autofocus onfocus='alert(1)", "` onload=`alert(1)",
  "<!--", "-->", "<!--><script>alert(1)</script>", "]]>", "<![CDATA[<script>]]>", "<?xml version='1.0'?>", "</svg><script>alert(1)</script>", "<svg><desc><noscript><style></svg>", "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
  "</textarea>", "</noscript>", "</desc></title></svg><iframe srcdoc='<script>alert(1)</script>'>", "<base href=//evil.test>", "<meta http-equiv=refresh content='0;url=//evil.test'>", "<link rel=stylesheet href=//evil.test>", "<form action=//evil.test><input name=a>",
  "javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "&lt;script&gt;", "&#60;script&#62;", "&colon;", "&", "&amp", "\u0000<script>", "<scr\u0000ipt>", "\uFEFF<b>", "+ADw-script+AD4-", "\u2028", "\u202E<gpj.exe>", "\uD800<b>", "\u00ABb\u00BB", "\\u003cscript\\u003e", "expression(alert(1))", "url(//evil.test)", "@import '//evil.test'", "</", "<a", "<b", "\t\n\f\r", "__proto__", "constructor", "${alert(1)}", "{{alert(1)}}", "<%= 1 %>",
];

/**
 * Whatever strings stand in a page's places for text, it is the same page but for its text: the same elements with the same
 * attributes, no script or address that is not its own, and a policy that lets nothing else in.
 * @param makePage makes the page of what it draws for each place: two calls in the same order must be the same places
 */
export function expectTextStaysText(makePage: (text: () => string) => string): void {
  let place = 0;
  const harmless = skeletonOf(makePage(() => `word${place++}`));
  expectPolicy(harmless);
  const rounds = Math.ceil((3 * waysOut.length) / place);
  const hostile = fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...waysOut) }, fc.tuple(fc.constantFrom(...waysOut), fc.constantFrom(...waysOut)).map((two) => two.join("")), fc.string({ unit: "binary", maxLength: 20 }), fc.string({ unit: fc.constantFrom(..."<>&\"'`=/ -!?x\u0000\uD800"), maxLength: 20 }));
  fc.assert(
    fc.property(fc.array(hostile, { minLength: place, maxLength: place }), (texts) => {
      let at = 0;
      // Its own number keeps names apart that the page tells apart.
      const skeleton = skeletonOf(makePage(() => `${texts[at]}${at++}`));
      expect(skeleton).toEqual(harmless);
    }),
    // Each way out stands in some places, as many pages as that takes, and others by chance.
    { numRuns: rounds + 8, seed: 1, examples: Array.from({ length: rounds }, (_, round): [string[]] => [Array.from({ length: place }, (_, at) => waysOut[(round * place + at) % waysOut.length])]) },
  );
}

/** The elements of a page in order, with the names of their attributes, and whole what can run or lead elsewhere. */
function skeletonOf(page: string): string[] {
  const lines: string[] = [];
  const visit = (node: Node): void => {
    if (defaultTreeAdapter.isCommentNode(node)) lines.push(`<!--${node.data}-->`);
    if (defaultTreeAdapter.isElementNode(node)) {
      const attributes = node.attrs.map(({ name, value, prefix }) => {
        const full = prefix ? `${prefix}:${name}` : name;
        expect(full, "a handler").not.toMatch(/^on/i);
        return /^(href|src|srcset|srcdoc|action|formaction|style|id|class|http-equiv|content|type|name|rel|target|xlink:href|nonce|integrity)$/.test(full) ? `${full}=${value}` : full;
      });
      lines.push(`<${node.tagName} ${attributes.join(" ")}>`);
      const isData = node.attrs.some(({ name, value }) => name === "type" && value === "application/json");
      if (["script", "style"].includes(node.tagName) && !isData) lines.push(node.childNodes.map((child) => (defaultTreeAdapter.isTextNode(child) ? child.value : "?")).join(""));
    }
    if ("childNodes" in node) for (const child of node.childNodes) visit(child);
  };
  visit(parse(page));
  return lines;
}

/** A policy stands before anything that it could concern. */
function expectPolicy(skeleton: readonly string[]): void {
  const policy = skeleton.findIndex((line) => line.startsWith("<meta http-equiv=Content-Security-Policy content=default-src 'none'"));
  expect(policy, "a Content-Security-Policy that begins with default-src 'none'").toBeGreaterThan(0);
  expect(skeleton.slice(0, policy).filter((line) => /^<(script|style|link|img|base|body)\b/.test(line))).toEqual([]);
  expect(skeleton[policy]).not.toMatch(/unsafe-eval|script-src[^;]*'unsafe-inline'|\*/);
}
