const turns = 10;

/**
 * Calls `over` after so many milliseconds in which the event loop turned. Time that other work held it up for does not count: what
 * arrived meanwhile would else be called late before it is looked at.
 * @returns its end
 */
export function patience(ms: number, over: () => void): () => void {
  let left = turns;
  const timer = setInterval(() => {
    if (--left > 0) return;
    clearInterval(timer);
    over();
  }, ms / turns);
  return () => clearInterval(timer);
}
