import { setTimeout as pause } from "node:timers/promises";

/**
 * A B A B: machines change pace from minute to minute, so only what was measured in turns compares.
 * @param contenders { name: () => Promise<taken> }
 * @param options.warmup rounds that do not count
 * @param options.pauseMs before each turn, until the other side's threads sleep
 * @returns { name: [taken of each round] }
 */
export async function inTurns(contenders, { rounds, warmup, pauseMs = 250 }) {
  const taken = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = -warmup; round < rounds; round++)
    for (const [name, turn] of Object.entries(contenders)) {
      await pause(pauseMs);
      const one = await turn();
      if (round >= 0) taken[name].push(one);
    }
  return taken;
}
