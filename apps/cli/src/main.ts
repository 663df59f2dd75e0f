#!/usr/bin/env node
import { runMain } from "@dictlearn/command";
import { program } from "./program.js";

await runMain(program);
