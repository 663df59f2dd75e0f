import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";

/** What a program said and how it ended. */
export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A command line, the folder where a person stands, and the whole environment. */
export interface Call {
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
}

/**
 * One process that runs a command again and again, for what it says and writes: to start a process takes longer than most
 * commands. Signals, pipes and how a process ends are tested with one of their own. Calls wait for each other.
 * @param command the module that exports `command`
 * @param cli the module that exports `errorReport`, the line and exit code of an error
 * @param flags of node, such as `--import`
 */
export class CommandProcess {
  readonly #child: ChildProcess;
  #last: Promise<unknown> = Promise.resolve();

  constructor(command: URL, cli: URL, flags: readonly string[] = []) {
    this.#child = fork(fileURLToPath(new URL("commandProcessChild.js", import.meta.url)), [command.href, cli.href], { execArgv: ["--no-warnings", ...flags] }); // of files that the process's end would close
  }

  run(call: Call): Promise<Ran> {
    const ran = this.#last.then(() => this.#ask(call));
    this.#last = ran.catch(() => {});
    return ran;
  }

  #ask(call: Call): Promise<Ran> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null) => reject(new Error(`commandProcess: expected an answer, got the end of the process (${code})`));
      this.#child.once("exit", ended).once("message", (ran) => {
        this.#child.off("exit", ended);
        resolve(ran as Ran);
      });
      this.#child.send(call);
    });
  }

  close(): void {
    this.#child.kill();
  }
}
