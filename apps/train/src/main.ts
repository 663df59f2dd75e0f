import { runMain } from "@dictlearn/command";
import { command } from "./command.js";

void runMain(command); // it tells what fails, and ends the process
