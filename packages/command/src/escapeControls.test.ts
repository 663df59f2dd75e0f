import { expect, test } from "vitest";
import { escapeControls } from "./escapeControls.js";

test("what could move the cursor or hide text is spelled out, the rest stays", () => {
  expect(escapeControls("é — 語\t\u001b[2Jx\r\ny\u202e\u0085\u{e0001}")).toBe("é — 語\\t\\u001b[2Jx\\r\\ny\\u202e\\u0085\\u{e0001}");
});
