#!/usr/bin/env node
import { runMain } from "@dictlearn/command";
import { command } from "./command.js";

await runMain(command);
