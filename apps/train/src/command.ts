import { defineCommand, resolvePath } from "@dictlearn/command";
import { hubVariables } from "@dictlearn/hub";
import { earlierRun } from "./earlierRun.js";
import { flags } from "./flags.js";
import { Locks } from "./locks.js";
import { openRun } from "./openRun.js";
import { performRun } from "./performRun.js";
import { askedFor, expectSensible, type Flags } from "./settings.js";
import { version } from "./version.js";

export const command = defineCommand({
  name: "train",
  version,
  summary: "Sparse dictionaries of a language model's activations, trained on streamed text and saved as dictionary_learning saves them",
  flags,
  examples: [
    "train --model-name demo --dataset-name demo --trainer topk:k=32 --num-tokens 500000 --sae-batch-size 2048",
    "train --num-tokens 10000000 --trainer topk:k=32 --trainer topk:k=64 --eval-tokens 100000",
    "train --site layers.3.mlp_out --trainer standard:l1_penalty=0.1,lr=1e-3 --normalize --num-tokens 10000000",
    "train --activations kept --trainer topk:k=32 --num-tokens 10000000",
    "train --resume sae_results",
  ],
  environment: hubVariables,
  async run(given, invocation) {
    const note = (line: string) => void (given.quiet || process.stderr.write(`${line}\n`));
    process.chdir(resolvePath(".")); // paths are relative to where the person stands, not to where a package manager starts us
    const asked = askedFor(given as Flags);
    await using locks = new Locks(note);
    const earlier = await earlierRun(given as Flags, locks);
    expectSensible(earlier?.about.settings ?? asked.settings);
    await using run = await openRun(asked, { given, earlier, locks, note, debug: invocation.debug });
    await performRun(run, { program: invocation.program, signal: invocation.signal, note, quiet: given.quiet });
  },
});
