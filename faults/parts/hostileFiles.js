import { fuzz } from "../hostile/fuzz.js";
import { readers } from "../hostile/readers.js";

const names = Object.keys(readers);
const inputs = 500; // of a case, of one reader

/** Files of strangers: every reader in turn is given inputs that are almost right, or right by their grammar alone. */
export const hostileFiles = {
  name: "hostile-files",
  promise: 3,
  minutes: 4,
  few: names.length,
  lanes: 3, // some readers wait for the disk
  async open() {
    return {
      cases: names.length * 200, // 100,000 inputs a reader
      async one(n, random) {
        const name = names[n % names.length];
        const { tried, refused, faults } = await fuzz(name, { from: random.below(2 ** 31), inputs });
        if (faults.length > 0) throw new Error(`${name}: ${faults.map(({ number, fault, input }) => `input ${number}: ${fault}${input ? ` (${input.slice(0, 4000)})` : ""}`).join("; ")}`);
        return { "fuzz inputs tried": tried, "hostile files refused": refused };
      },
    };
  },
};
