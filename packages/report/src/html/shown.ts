/**
 * A text as it can be seen: controls, which show nothing or change the order of what stands around them, as signs of their
 * own: ␀ for NUL, ⟨U+202E⟩ for a right-to-left override. Tabs and line ends stay.
 */
export function shown(text: string): string {
  return text.replace(/(?![\t\n])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, (control) => {
    const code = control.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return "␡";
    return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
  });
}
