/** An element that the page is known to have. */
export function the<E extends Element>(selector: string): E {
  return document.querySelector<E>(selector)!;
}

/** A new element. Whatever is in it is text. */
export function made<K extends keyof HTMLElementTagNameMap>(tag: K, properties: Partial<HTMLElementTagNameMap[K]> = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
