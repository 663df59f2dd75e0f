import { formatG } from "../formatG.js";
import { type Activations } from "./activations.js";
import { made, the } from "./elements.js";

/** Places of a feature that are listed. */
const listed = 6;

export interface ChosenFeatureOptions {
  F: number;
  activations: Activations;
  tokens: readonly HTMLElement[];
  /** the sentence of each token */
  sentenceOf: readonly number[];
  sentences: number;
  say: (text: string) => void;
}

/** The feature that colours the tokens: chosen by its number, or by a button that names it. @returns how else to choose one */
export function chosenFeature({ F, activations, tokens, sentenceOf, sentences, say }: ChosenFeatureOptions): (feature: number) => void {
  const input = the<HTMLInputElement>("#feature");
  const about = the<HTMLOutputElement>("#about-feature");
  const title = the(".places-title");
  const list = the(".places");
  let coloured: HTMLElement[] = [];

  function choose(feature: number): void {
    const places = activations.of(feature).sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
    const largest = Math.abs(places[0]?.value ?? 0);
    for (const token of coloured) token.style.removeProperty("--a");
    coloured = places.map(({ place, value }) => {
      tokens[place].style.setProperty("--a", String(0.12 + (0.88 * Math.abs(value)) / largest)); // the weakest can be seen too
      tokens[place].classList.toggle("negative", value < 0);
      return tokens[place];
    });
    for (const button of document.querySelectorAll<HTMLElement>("button[data-feature]")) mark(button, feature);

    input.value = String(feature);
    const within = new Set(places.map(({ place }) => sentenceOf[place])).size;
    const where = places.length > 0 ? `on ${places.length} of ${tokens.length} tokens, in ${within} of ${sentences} sentences` : "active on none of these tokens, or not kept in this page";
    about.replaceChildren(made("b", { className: "on-paper" }, `Feature ${feature}`), made("span", {}, where));
    if (places.length > 0) about.append(made("span", { className: "scale of-token" }, made("span", {}, "0"), made("i"), made("span", {}, formatG(largest))));
    title.textContent = places.length > 0 ? `Feature ${feature} is strongest on` : `Feature ${feature}`;
    list.replaceChildren(...places.slice(0, listed).map(({ place, value }) => made("li", {}, made("button", { type: "button", onclick: () => tokens[place].focus() }, made("span", {}, `${tokens[place].textContent}`), ` ${formatG(value)}`))));
    say(`Feature ${feature}: ${where}`);
  }

  input.addEventListener("change", () => {
    const feature = input.valueAsNumber;
    if (!Number.isInteger(feature) || feature < 0 || feature >= F) {
      about.textContent = `expected a whole number from 0 to ${F - 1}`;
      return;
    }
    choose(feature);
  });
  input.form!.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("click", ({ target }) => {
    const button = (target as Element).closest<HTMLElement>("button[data-feature]");
    if (button) choose(Number(button.dataset.feature));
  });
  return choose;
}

/** A button that names the chosen feature is pressed. */
export function mark(button: HTMLElement, chosen: number): void {
  button.ariaPressed = String(Number(button.dataset.feature) === chosen);
}
