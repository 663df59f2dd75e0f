import { HubError } from "@dictlearn/hub";

/**
 * Why something can't be had from the Hub or its cache for want of a network; undefined if all can, or if something else
 * is wrong, which whoever opens it is told. For an app that has something to fall back on.
 * @param fetches each of a small file
 * @param options.offline the network is turned off: what the cache does not have is out of reach
 */
export async function outOfReach(fetches: readonly (() => Promise<unknown>)[], { offline }: { offline: boolean }): Promise<string | undefined> {
  const reasons = await Promise.all(
    fetches.map(async (fetch) => {
      try {
        await fetch();
        return undefined;
      } catch (error) {
        return error instanceof HubError && (error.code === "NETWORK" || (offline && error.code === "NOT_FOUND")) ? error.message : undefined;
      }
    }),
  );
  return reasons.find((why) => why !== undefined);
}

/** For `catch`: an error of the Hub with what works without it; any other as it is. @param works `--model demo needs no network` */
export function withoutHub(works: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof HubError)) throw error;
    throw new HubError(error.code, error.message, [error.remedy, works].filter(Boolean).join("; "), { cause: error });
  };
}
