import { createServer, type Server } from "node:http";
import { connect, type AddressInfo } from "node:net";
import { setUpHub } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { openHub } from "./openHub.js";
import { proxyFetch } from "./proxyFetch.js";

/** A proxy that tunnels, and counts for whom. */
async function startProxy(): Promise<{ url: string; tunnels: string[]; close(): Promise<unknown> }> {
  const tunnels: string[] = [];
  const server: Server = createServer();
  const sockets = new Set<{ destroy(): void }>();
  server.on("connect", (request, socket) => {
    tunnels.push(request.url!);
    const [host, port] = request.url!.split(":");
    const through = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(through).pipe(socket);
    });
    for (const end of [socket, through]) {
      end.on("error", () => undefined);
      sockets.add(end);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    tunnels,
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

test("a proxy of the environment is used, except for the hosts of NO_PROXY", async () => {
  await using hub = await setUpHub();
  const proxy = await startProxy();
  try {
    const host = new URL(hub.server.url).host;
    await openHub({ ...hub.options, fetch: proxyFetch({ HTTP_PROXY: proxy.url }) }).file({ repo: "owner/tiny" }, "config.json");
    expect(proxy.tunnels).toContain(host);
    const before = proxy.tunnels.length;
    await openHub({ ...hub.options, fetch: proxyFetch({ http_proxy: proxy.url, NO_PROXY: "127.0.0.1" }) }).file({ repo: "owner/tiny" }, "empty.txt");
    expect(proxy.tunnels.length).toBe(before);
  } finally {
    await proxy.close();
  }
});

test("without a proxy the platform's fetch stays; one that is no address is refused without repeating it", () => {
  expect(proxyFetch({})).toBeUndefined();
  expect(() => proxyFetch({ HTTPS_PROXY: "socks5://user:secret@host:1" })).toThrow(expect.objectContaining({ code: "USAGE", message: expect.not.stringContaining("secret") as string }) as Error);
});
