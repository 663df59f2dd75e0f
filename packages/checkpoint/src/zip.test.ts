import { expect, test } from "vitest";
import { fixtureBytes } from "../test/fixtures.js";
import { memorySource } from "./index.js";
import { readZipDirectory, readZipMember } from "./zip.js";

const deflated = () => fixtureBytes("dl_variants/deflated.pt").slice();

/** Where the directory has its entry for data.pkl; the first one, at which the directory begins. */
function firstEntry(zip: Uint8Array): number {
  return new DataView(zip.buffer).getUint32(zip.length - 6, true);
}

async function readFirst(zip: Uint8Array) {
  const source = memorySource(zip, "x.pt");
  const [member] = (await readZipDirectory(source)).values();
  return readZipMember(source, member);
}

test("a part of a deflated member", async () => {
  const source = memorySource(deflated());
  const [member] = (await readZipDirectory(source)).values();
  const whole = await readZipMember(source, member);
  expect(whole.byteLength).toBe(member.size);
  expect(await readZipMember(source, member, 3, 20)).toEqual(whole.slice(3, 20));
});

test("a member that claims to inflate to gigabytes is refused before anything is allocated", async () => {
  const zip = deflated();
  new DataView(zip.buffer).setUint32(firstEntry(zip) + 24, 0x7fffffff, true);
  await expect(readFirst(zip)).rejects.toMatchObject({ code: "FORMAT", message: expect.stringContaining("expected at most eightfold compression") });
});

test.each([-1, 1])("a member that inflates to another size (%i) is refused", async (error) => {
  const zip = deflated();
  const view = new DataView(zip.buffer);
  const field = firstEntry(zip) + 24;
  view.setUint32(field, view.getUint32(field, true) + error, true);
  await expect(readFirst(zip)).rejects.toMatchObject({ code: "FORMAT" });
});

test.each([
  ["encrypted", 8, 1],
  ["of method 12", 10, 12],
])("a member that is %s is refused", async (_, field, value) => {
  const zip = deflated();
  zip[firstEntry(zip) + field] = value;
  await expect(readFirst(zip)).rejects.toMatchObject({ code: "UNSUPPORTED" });
});
