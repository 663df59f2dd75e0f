import { type FileData, type IndexData, type VocabularyData } from "../html/featuresData.js";
import { dataFile } from "./features/dataFiles.js";
import { element } from "./features/element.js";
import { featureView } from "./features/featureView.js";
import { ListView } from "./features/listView.js";

const { F, featuresOfFile, hasLens } = JSON.parse(document.getElementById("data")!.textContent!) as { F: number; featuresOfFile: number; hasLens: boolean };
const listPart = document.getElementById("list")!;
const featurePart = document.getElementById("feature")!;
const title = document.title;

const failed = (error: unknown) => featurePart.replaceChildren(element("p", { role: "alert" }, (error as Error).message), element("p", {}, element("a", { href: "#" }, "All features")));

let listView: ListView | undefined;

/** Shows what the address asks for: `#1234` a feature, anything else the list. */
async function show(isFirst: boolean): Promise<void> {
  const asked = /^#(\d+)$/.exec(location.hash)?.[1];
  const index = asked === undefined ? undefined : Number(asked);
  try {
    const [list, vocabulary] = await Promise.all([dataFile<IndexData>("index"), dataFile<VocabularyData>("vocabulary")]);
    if (!listView) {
      listView = new ListView(list, vocabulary);
      listView.show();
    }
    if (index === undefined) {
      document.title = title;
    } else if (index >= F) {
      throw new Error(`feature: expected one of 0 to ${F - 1}, got ${index}`);
    } else {
      const number = Math.floor(index / featuresOfFile);
      const file = await dataFile<FileData>(String(number));
      if (location.hash !== `#${asked}`) return; // another was asked for meanwhile
      featurePart.replaceChildren(...featureView(file[index - number * featuresOfFile], { index, F, hasLens, list, vocabulary }));
      document.title = `Feature ${index} · ${title}`;
      if (index + 1 < F && (index + 1) % featuresOfFile === 0) void dataFile(String(number + 1)).catch(() => {}); // the next is at hand
    }
  } catch (error) {
    failed(error);
    listPart.hidden = true;
    featurePart.hidden = false;
    return;
  }
  listPart.hidden = index !== undefined;
  featurePart.hidden = index === undefined;
  if (index !== undefined) {
    if (!isFirst) document.getElementById("title")!.focus({ preventScroll: true });
    scrollTo(0, 0);
  } else if (!isFirst) {
    const before = document.querySelector<HTMLAnchorElement>(`#rows a[href="#${last}"]`);
    before?.focus();
  }
  last = index;
}

let last: number | undefined;
addEventListener("hashchange", () => void show(false));
document.addEventListener("keydown", (event) => {
  const inField = event.target instanceof HTMLElement && event.target.closest("input, select, textarea") !== null;
  if (event.ctrlKey || event.metaKey || event.altKey || (inField && event.key !== "Escape")) return;
  const shownNow = /^#(\d+)$/.exec(location.hash)?.[1];
  if (event.key === "Escape" && shownNow !== undefined) location.hash = "";
  else if (event.key === "/") {
    event.preventDefault();
    if (shownNow !== undefined) location.hash = "";
    setTimeout(() => listView?.search());
  } else if (event.key === "n" || event.key === "p") {
    const step = event.key === "n" ? 1 : -1;
    if (shownNow === undefined) listView?.turn(step);
    else if (Number(shownNow) + step >= 0 && Number(shownNow) + step < F) location.hash = String(Number(shownNow) + step);
  }
});
void show(true);
