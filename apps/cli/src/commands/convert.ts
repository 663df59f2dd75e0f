import { relative } from "node:path";
import { defineCommand } from "@dictlearn/command";
import { hubVariables } from "@dictlearn/hub";
import { formats, formatNamed } from "@dictlearn/sae";
import { convertDictionary, withoutHub } from "dictlearn";
import { z } from "zod";
import { begin, version } from "../begin.js";

export const command = defineCommand({
  name: "convert",
  version,
  summary: "A dictionary in another library's format: the same features and reconstructions, in the files that the library opens",
  positional: z.object({
    source: z.string().describe("what --dictionary takes elsewhere: a path, hf:OWNER/REPO[@REV]/PATH on the Hub (ARCHIVE.zip!/ENTRY in a zip), or demo; of which format it is follows from what it holds"),
    folder: z.string().describe("where to write: a new or empty folder"),
  }),
  flags: z.object({
    to: z.enum(formats.map(({ name }) => name)).describe("the format to write"),
    force: z.boolean().default(false).describe("replace the dictionary that is in the folder; a folder that holds anything else is never replaced"),
    activationScale: z.number().positive().optional().describe("what activations were multiplied by in training, where the file leaves that out (SAELens' expected_average_only_in): sqrt(D) over their mean norm; it is folded into the weights").meta({ placeholder: "S" }),
    normalizeDecoder: z.boolean().default(true).describe("leave an AutoEncoder's decoder as it is; else its columns become unit vectors, as dictionary_learning opens it"),
    quiet: z.boolean().default(false).describe("no notes on stderr"),
  }),
  examples: [
    "convert sae_results/resid_post_layer_3/trainer_0 for-saelens --to saelens",
    "convert hf:EleutherAI/sae-pythia-70m-32k/layers.3.mlp mlp3 --to dictionary-learning",
    "convert demo demo-saelens --to saelens",
  ],
  environment: hubVariables,
  async run({ to, force, quiet, ...options }, { positional: { source, folder } }) {
    using here = begin({ quiet });
    const { from, kind, D, F, as, changes, files } = await convertDictionary(source, folder, { ...options, to, replace: force, hub: here.hub }).catch(withoutHub("a path on this machine needs no network"));
    here.arriving.stop();
    const lines = [
      ["read", `${source}: ${kind} of ${formatNamed(from).library}, D = ${D}, F = ${F}`],
      ...changes.map((change) => ["changed", change]),
      ["wrote", `${Object.values(files).map(near).join(" and ")}: ${as} of ${formatNamed(to).library}`],
    ];
    process.stdout.write(lines.map(([what, text]) => `${what.padEnd(8)}${text}\n`).join(""));
  },
});

const near = (path: string) => relative("", path);
