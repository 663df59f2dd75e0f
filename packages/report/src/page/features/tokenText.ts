import { element } from "./element.js";

/** What would not be seen, or would change what stands around it. */
// oxlint-disable-next-line eslint/no-control-regex -- those are meant
const unseen = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/gu;
const names: Readonly<Record<string, string>> = { "\n": "⏎", "\t": "⇥", "\r": "␍" };

/** A token's text so that all of it can be seen. */
export const visible = (text: string): string => text.replace(unseen, (character) => names[character] ?? `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`);

/** A token by itself: a blank before it can be told by its shade, blanks alone are counted. */
export function tokenChip(text: string): HTMLElement {
  const blanks = /^ +$/.test(text) ? text.length : 0;
  return element("code", { class: "token" }, text === "" ? "␀" : blanks === 0 ? visible(text) : blanks < 4 ? "␣".repeat(blanks) : `␣ × ${blanks}`);
}
