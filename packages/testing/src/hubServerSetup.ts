import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startHubServer, type HubRepo, type HubServer } from "./hubServer.js";
import { hubFixture } from "./hubServerFixture.js";

export interface HubSetup {
  server: HubServer;
  folder: string;
  /** Of openHub, with pauses that do not hold up a test. */
  options: { cache: string; ownCache: string; endpoint: string; retryPause: number; onNotice(line: string): void };
  notices: string[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** A loopback Hub and an empty cache: `await using hub = await setUpHub()`. */
export async function setUpHub(repos: Record<string, HubRepo> = hubFixture()): Promise<HubSetup> {
  const server = await startHubServer(repos);
  const folder = await mkdtemp(join(tmpdir(), "dictlearn-hub-"));
  const notices: string[] = [];
  const options = { cache: join(folder, "hub"), ownCache: join(folder, "own"), endpoint: server.url, retryPause: 1, onNotice: (line: string) => void notices.push(line) };
  return {
    server,
    folder,
    options,
    notices,
    async [Symbol.asyncDispose]() {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
