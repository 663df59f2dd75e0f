/**
 * Many elements with one tab stop: the arrow keys go to the next and the previous, up and down to the group before and behind,
 * Home and End to the ends of a group.
 */
export function roving(groups: readonly (readonly HTMLElement[])[]): void {
  const all = groups.flat();
  const places = new Map(groups.flatMap((group, g) => group.map((element): [Element, number] => [element, g])));
  let stop = all[0];
  for (const element of all) element.tabIndex = element === stop ? 0 : -1;

  const leave = (element: HTMLElement) => {
    stop.tabIndex = -1;
    stop = element;
    stop.tabIndex = 0;
  };
  for (const parent of new Set(all.map((element) => element.parentElement!))) {
    parent.addEventListener("focusin", ({ target }) => {
      const element = (target as Element).closest<HTMLElement>("[tabindex]")!;
      if (places.has(element)) leave(element);
    });
    parent.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      const element = event.target as HTMLElement;
      const g = places.get(element);
      if (g === undefined) return;
      const next = goal(event.key, { element, g });
      if (!next) return;
      event.preventDefault();
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    });
  }

  function goal(key: string, { element, g }: { element: HTMLElement; g: number }): HTMLElement | undefined {
    const step = getComputedStyle(element).direction === "rtl" ? -1 : 1;
    if (key === "ArrowRight") return all[all.indexOf(element) + step];
    if (key === "ArrowLeft") return all[all.indexOf(element) - step];
    if (key === "ArrowDown") return groups.slice(g + 1).find((group) => group.length > 0)?.[0];
    if (key === "ArrowUp") return groups.slice(0, g).filter((group) => group.length > 0).at(-1)?.[0];
    if (key === "Home") return groups[g][0];
    if (key === "End") return groups[g].at(-1);
  }
}
