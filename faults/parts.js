import { downloads } from "./parts/downloads.js";
import { hostileFiles } from "./parts/hostileFiles.js";
import { kills } from "./parts/kills.js";
import { locks } from "./parts/locks.js";
import { network } from "./parts/network.js";
import { networkRuns } from "./parts/networkRuns.js";
import { writes } from "./parts/writes.js";

/**
 * What is tried, a file each. A part is
 * - `name`, and `promise`, its number in docs/reliability.md;
 * - `minutes`, the most that it takes of a whole run of ten; `few`, how many cases the tests run;
 * - `lanes`, how many cases run at once (default 1);
 * - `open({ folder })`: gives `cases`, how many there are in all, `one(n, random)`, a case by its number, and `close()`. A case throws if a promise is broken, and else
 *   returns what it has to count: `{ "kills survived": 3 }`. All its choices come from `random`.
 */
export const parts = [kills, writes, network, networkRuns, hostileFiles, locks, downloads];
