type Content = Node | string | number | undefined | false | readonly Content[];

/** An element with its attributes and children; text stays text. */
export function element<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Readonly<Record<string, string | number | boolean | undefined>> = {}, ...children: readonly Content[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined && value !== false) made.setAttribute(name, value === true ? "" : String(value));
  append(made, children);
  return made;
}

export function append(to: Node, children: readonly Content[]): void {
  for (const child of children) {
    if (child === undefined || child === false) continue;
    if (Array.isArray(child)) append(to, child as readonly Content[]);
    else to.appendChild(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** An element of SVG. */
export function svg(tag: string, attributes: Readonly<Record<string, string | number>>, ...children: readonly Node[]): SVGElement {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}
