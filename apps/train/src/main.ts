#!/usr/bin/env node
import { runMain } from "@dictlearn/cli";
import { command } from "./command.js";

await runMain(command);
