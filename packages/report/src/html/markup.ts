/** HTML that is whole and escaped. Only `html` and what draws SVG make it. */
export class Markup {
  constructor(readonly text: string) {}
}

export type Content = Markup | string | number | undefined | false | readonly Content[];

/** A template of HTML: what stands in `${}` is text, escaped, unless it is markup itself; lists are joined, and undefined and false are nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return new Markup(strings.reduce((text, string, i) => text + written(values[i - 1]) + string));
}

function written(content: Content): string {
  if (content === undefined || content === false) return "";
  if (content instanceof Markup) return content.text;
  if (Array.isArray(content)) return content.map(written).join("");
  return String(content).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
