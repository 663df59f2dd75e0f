// usage: node write_ours.ts OUT   (Node 24, after a build); then open_ours.py reads OUT
import { tensorboardLog } from "../../packages/dictlearn/dist/tensorboardLog.js";
import { writeRuns } from "./runs.ts";

await writeRuns(tensorboardLog as never, process.argv[2]);
