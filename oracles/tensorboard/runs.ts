// Files of events of a small run: whole; killed in the middle of a record; and of the killed one when it has gone on.
import { appendFileSync, cpSync, readdirSync } from "node:fs";
import { join } from "node:path";

export const site = "layers.3.resid_post";
export const folder = "resid_post_layer_3/trainer_0";
const config = { dict_class: "AutoEncoderTopK", activation_dim: 192, dict_size: 1536, k: 32, lr: 0.0008, decay_start: null, group_fractions: [0.25, 0.75], wandb_name: "TopK, µ", sparse: true };
const trainee = { site, index: 0, trainer: { config } };
export const lines = Array.from({ length: 6 }, (_, i) => ({ step: 100 * (i + 1), tokens: 204_800 * (i + 1), loss: 1 / (i + 1), l0: 32, frac_variance_explained: 1 - 0.9 ** (i + 1), lr: 0.0008 * (1 - i / 6), dead_features: i }));
export const evaluation = { l0: 32, frac_variance_explained: 0.810625, frac_recovered: 0.96125, frac_alive: 0.75, feature_density: { tokens: 10_000, silent: 384, log10: [-1, -0.75, -0.5, -0.25], features: [700, 400, 50, 2] } };

interface Log {
  begin(trainee: unknown, step: number): Promise<void>;
  append(trainee: unknown, line: object): Promise<void>;
  evaluation(trainee: unknown, step: number, metrics: unknown): Promise<void>;
}

/** @param open tensorboardLog of packages/dictlearn @param out a new folder, for whole, killed and resumed */
export async function writeRuns(open: (directory: never, options: object) => Log, out: string): Promise<void> {
  const logAt = (name: string, pid: number, start: number) => {
    let seconds = start;
    return open({ folderOf: () => join(out, name, folder) } as never, { now: () => (seconds += 0.5), host: "host", pid });
  };
  const end = async (log: Log, from: number) => {
    for (const line of lines.slice(from)) await log.append(trainee, line);
    await log.evaluation(trainee, 600, evaluation);
  };
  const whole = logAt("whole", 7, 1_700_000_000);
  await whole.begin(trainee, 0);
  await end(whole, 0);

  const killed = logAt("killed", 7, 1_700_000_000);
  await killed.begin(trainee, 0);
  for (const line of lines.slice(0, 4)) await killed.append(trainee, { ...line, loss: line.loss * (line.step > 200 ? 2 : 1) }); // past its state something else
  const [name] = readdirSync(join(out, "killed", folder));
  appendFileSync(join(out, "killed", folder, name), Uint8Array.of(40, 0, 0, 0, 0, 0)); // of a record that was being written

  cpSync(join(out, "killed"), join(out, "resumed"), { recursive: true });
  const resumed = logAt("resumed", 5, 1_700_000_000); // in the same second, and another process
  await resumed.begin(trainee, 200);
  await end(resumed, 2);
}
