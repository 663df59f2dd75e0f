/** Text from files and flags made safe for one line of a terminal: control and invisible characters as `\u001b`. */
export function escapeControls(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    const code = character.codePointAt(0)!;
    return named[code] ?? (code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`);
  });
}

const named: Record<number, string> = { 9: "\\t", 10: "\\n", 13: "\\r" };
