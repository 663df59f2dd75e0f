import { type IndexData, type VocabularyData } from "../../html/featuresData.js";
import { element } from "./element.js";
import { percent, shown } from "./numbers.js";
import { tokenChip } from "./tokenText.js";

/** Lines of a page of the list. */
const perPage = 100;

type SortKey = "index" | "count" | "max" | "mean";

const byId = <E extends HTMLElement>(id: string) => document.getElementById(id) as E;

/** The list of all features: searched, sorted, and shown a page at a time, so that 32,768 of them stay fast. */
export class ListView {
  readonly #list: IndexData;
  readonly #vocabulary: VocabularyData;
  readonly #query = byId<HTMLInputElement>("query");
  readonly #where = byId<HTMLSelectElement>("where");
  readonly #density = byId<HTMLSelectElement>("density");
  readonly #headers = [...document.querySelectorAll<HTMLTableCellElement>("table.features thead th")];
  #found: number[] = [];
  #sort: { key: SortKey; down: boolean } = { key: "index", down: false };
  #page = 0;

  constructor(list: IndexData, vocabulary: VocabularyData) {
    this.#list = list;
    this.#vocabulary = vocabulary;
    const again = () => this.show();
    this.#query.addEventListener("input", again);
    this.#where.addEventListener("change", again);
    this.#density.addEventListener("change", again);
    byId<HTMLFormElement>("search").addEventListener("submit", (event) => {
      event.preventDefault();
      const number = this.#number();
      if (number !== undefined) location.hash = String(number);
      else if (this.#found.length > 0) location.hash = String(this.#found[0]);
    });
    for (const header of this.#headers) {
      const button = header.querySelector("button");
      button?.addEventListener("click", () => this.#sortBy(header, button.dataset.key as SortKey));
    }
    byId("back").addEventListener("click", () => this.turn(-1));
    byId("on").addEventListener("click", () => this.turn(1));
  }

  /** Finds and sorts again, from the first page. */
  show(): void {
    const { count, tokens } = this.#list;
    const text = this.#query.value;
    const density = this.#density.value;
    const [low, high] = density === "any" ? [-1, 2] : density === "never" ? [-1, 0] : density === "-9" ? [0, 1e-4] : [10 ** Number(density), density === "-1" ? 2 : 10 ** (Number(density) + 1)];
    const number = this.#number();
    const wanted = text === "" ? undefined : this.#tokensWith(text);
    const has = (ids: readonly number[]) => ids.some((id) => wanted!.has(id));
    const { peaks, promotes } = this.#list;
    const where = this.#where.value;
    this.#found = [];
    for (let f = 0; f < count.length; f++) {
      const share = count[f] / tokens;
      if (!(share > low && share <= high)) continue;
      if (f === number || wanted === undefined || (where !== "promotes" && has(peaks[f])) || (where !== "peaks" && has(promotes[f]))) this.#found.push(f);
    }
    const { key, down } = this.#sort;
    if (key !== "index") this.#found.sort((a, b) => (down ? -1 : 1) * (this.#list[key][a] - this.#list[key][b]) || a - b);
    else if (down) this.#found.reverse();
    this.#page = 0;
    this.#draw();
  }

  /** @param pages to go on, or back where < 0 */
  turn(pages: number): void {
    const to = this.#page + pages;
    if (to < 0 || to * perPage >= this.#found.length) return;
    this.#page = to;
    this.#draw();
    document.querySelector("table.features")!.scrollIntoView({ block: "start" });
  }

  search(): void {
    this.#query.focus();
    this.#query.select();
  }

  #sortBy(header: HTMLTableCellElement, key: SortKey): void {
    // numbers that say how much are asked for from the top
    this.#sort = { key, down: this.#sort.key === key ? !this.#sort.down : key !== "index" };
    for (const other of this.#headers) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", this.#sort.down ? "descending" : "ascending");
    this.show();
  }

  /** The feature that was typed, if it is one. */
  #number(): number | undefined {
    const text = this.#query.value.trim().replace(/^#/, "");
    const number = Number(text);
    return text !== "" && /^\d+$/.test(text) && number < this.#list.count.length ? number : undefined;
  }

  /** The ids of tokens in which a text stands, small or capital. */
  #tokensWith(text: string): Set<number> {
    const wanted = text.toLowerCase();
    const ids = new Set<number>();
    this.#vocabulary.forEach((token, id) => token.toLowerCase().includes(wanted) && ids.add(id));
    return ids;
  }

  #draw(): void {
    const { count, tokens, max, mean, peaks, promotes } = this.#list;
    const first = this.#page * perPage;
    const shownNow = this.#found.slice(first, first + perPage);
    const chips = (ids: readonly number[]) => element("td", { class: "left" }, ids.slice(0, 3).map((id, i) => [i > 0 && " ", tokenChip(this.#vocabulary[id] ?? `token ${id}`)]));
    byId("rows").replaceChildren(
      ...shownNow.map((f) => element("tr", {}, element("th", { scope: "row" }, element("a", { href: `#${f}` }, String(f))), element("td", {}, count[f] === 0 ? "never" : percent(count[f] / tokens)), element("td", {}, count[f] === 0 ? "–" : shown(max[f])), element("td", {}, count[f] === 0 ? "–" : shown(mean[f])), chips(peaks[f]), chips(promotes[f]))),
    );
    const all = this.#found.length;
    const n = (x: number) => x.toLocaleString("en");
    byId("found").textContent = all === count.length ? `${n(all)} features` : all === 0 ? "No feature is like that." : `${n(all)} of ${n(count.length)} features`;
    byId("page").textContent = all === 0 ? "" : `${n(first + 1)} to ${n(first + shownNow.length)} of ${n(all)}`;
    byId<HTMLButtonElement>("back").disabled = this.#page === 0;
    byId<HTMLButtonElement>("on").disabled = first + perPage >= all;
  }
}
