import { runMain } from "@dictlearn/command";
import { program } from "./program.js";

void runMain(program); // it tells what fails, and ends the process
