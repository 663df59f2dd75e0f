import { openRng, type Rng, type RngStream } from "@dictlearn/kernels";
import { type Setting } from "../trainer.js";

/** A stream of the run's random numbers. @param index draws of one purpose at different steps take the step */
export const rngOf = ({ seed, rng = (name, at) => openRng({ seed, stream: name, index: at }) }: Setting, stream: RngStream, index = 0): Pick<Rng, "uniform" | "normal"> => rng(stream, index);
