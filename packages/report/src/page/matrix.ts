import { formatG } from "../formatG.js";
import { the } from "./elements.js";
import { matrixPaths } from "./matrixPaths.js";

export interface MatrixValues {
  element: HTMLElement;
  /** f32[N,N] */
  values: Float32Array;
}

/** Matrices of cosines between the same N sentences: the cell under the pointer, or where arrow keys go, is marked in all of them and told. */
export function matrices(all: readonly MatrixValues[], N: number): { arrange(order: readonly number[]): void } {
  const readout = the(".readout");
  let order: readonly number[] = Array.from({ length: N }, (_, i) => i);
  let [x, y] = [0, 0];

  function move(toX: number, toY: number): void {
    [x, y] = [toX, toY].map((to) => Math.max(0, Math.min(N - 1, to)));
    const [i, j] = [order[y], order[x]];
    for (const { element } of all) element.querySelector(".cross")!.setAttribute("d", `M${x} ${y}h1v1h-1z`);
    const seen = all.filter(({ element }) => element.offsetParent !== null);
    readout.textContent = `Sentences ${i + 1} and ${j + 1}: ${seen.map(({ element, values }) => `${element.dataset.title} ${told(values[i * N + j])}`).join(", ")}`;
  }

  for (const { element } of all) {
    element.addEventListener("pointermove", ({ clientX, clientY }) => {
      const { left, top, width, height } = element.getBoundingClientRect();
      move(Math.floor(((clientX - left) / width) * N), Math.floor(((clientY - top) / height) * N));
    });
    element.addEventListener("focus", () => move(x, y));
    element.addEventListener("keydown", (event) => {
      const step = steps[event.key];
      if (!step) return;
      event.preventDefault();
      move(x + step[0], y + step[1]);
    });
  }
  return {
    arrange(next) {
      order = next;
      for (const { element, values } of all) {
        const least = Number(element.dataset.least);
        const paths = element.querySelectorAll("g path");
        matrixPaths(order, (i, j) => (values[i * N + j] - least) / (1 - least)).forEach((d, level) => paths[level].setAttribute("d", d));
        element.querySelector(".cross")!.removeAttribute("d");
      }
    },
  };
}

const steps: Readonly<Record<string, readonly [number, number]>> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const told = (cosine: number) => (Number.isNaN(cosine) ? "undefined" : formatG(Number(cosine.toPrecision(4))));
