import { formatG } from "../formatG.js";
import { type Activations } from "./activations.js";
import { mark } from "./chosenFeature.js";
import { made, the } from "./elements.js";

/** Features of a token that are listed. */
const listed = 10;

export interface TokenPanelOptions {
  activations: Activations;
  tokens: readonly HTMLElement[];
  sentenceOf: readonly number[];
  say: (text: string) => void;
}

/** Shows the features of the token under the pointer or with the focus. A click or Enter keeps it, Escape and another click let it go. */
export function tokenPanel({ activations, tokens, sentenceOf, say }: TokenPanelOptions): void {
  const places = new Map(tokens.map((token, i): [EventTarget, number] => [token, i]));
  const list = the(".sentences");
  const [name, about, features] = [the(".token-name"), the(".token-about"), the(".token-features")];
  let kept: HTMLElement | undefined;

  function show(token: HTMLElement, place: number): string {
    const strongest = activations.at(place, listed);
    const active = activations.l0[place];
    const sentence = sentenceOf[place];
    const [largest] = strongest;
    const chosen = the<HTMLInputElement>("#feature").valueAsNumber;
    name.textContent = token.textContent === "" ? "A part of the next character" : `“${token.textContent}”`;
    about.textContent = `token ${place - sentenceOf.indexOf(sentence) + 1} of sentence ${sentence + 1}; ${active === 0 ? "no feature is active" : `${active} ${active === 1 ? "feature is" : "features are"} active`}${active > strongest.length ? `, of which ${strongest.length} are shown` : ""}`;
    features.replaceChildren(
      ...strongest.map(({ feature, value }) => {
        const button = made("button", { type: "button" }, made("span", { className: "unseen" }, "feature "), made("b", {}, String(feature)), made("data", { value: String(value) }, formatG(value)));
        button.dataset.feature = String(feature);
        button.style.setProperty("--w", String(Math.abs(value / largest.value)));
        mark(button, chosen);
        return made("li", {}, button);
      }),
    );
    return `${active} features: ${strongest.slice(0, 3).map(({ feature, value }) => `${feature} at ${formatG(value)}`).join(", ")}`;
  }

  function keep(token: HTMLElement | undefined): void {
    kept?.classList.remove("kept");
    kept = token;
    kept?.classList.add("kept");
  }

  list.addEventListener("pointerover", ({ target }) => {
    const place = places.get(target!);
    if (place !== undefined && !kept) show(tokens[place], place);
  });
  list.addEventListener("focusin", ({ target }) => {
    const place = places.get(target!);
    if (place === undefined) return;
    if (kept && kept !== target) keep(undefined);
    say(show(tokens[place], place));
  });
  list.addEventListener("click", ({ target }) => toggle(target!));
  list.addEventListener("keydown", (event) => {
    const { key, target } = event as KeyboardEvent;
    if ((key === "Enter" || key === " ") && places.has(target!)) {
      event.preventDefault();
      toggle(target!);
    }
  });
  document.addEventListener("keydown", ({ key }) => {
    if (key === "Escape") keep(undefined);
  });

  function toggle(target: EventTarget): void {
    const place = places.get(target);
    if (place === undefined) return;
    const token = tokens[place];
    keep(kept === token ? undefined : token);
    show(token, place);
  }
}
