import type { RequestInit as UndiciInit } from "undici";
import { HubError } from "./hubError.js";

/**
 * A fetch that goes through the proxies of HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY (either case); undefined where
 * none is named. Node's own fetch ignores them before Node 24. undici is loaded with the first request.
 * @throws HubError USAGE for a proxy that is no http(s) address; the message does not repeat it, since it may hold a password
 */
export function proxyFetch(env: Record<string, string | undefined>): typeof fetch | undefined {
  const read = (name: string) => env[name.toLowerCase()] || env[name] || undefined; // undici's and curl's order
  const all = read("ALL_PROXY");
  const httpProxy = checkProxy("HTTP_PROXY", read("HTTP_PROXY") ?? all);
  const httpsProxy = checkProxy("HTTPS_PROXY", read("HTTPS_PROXY") ?? all);
  if (!httpProxy && !httpsProxy) return undefined;
  let opening: Promise<typeof fetch> | undefined;
  const open = async (): Promise<typeof fetch> => {
    const undici = await import("undici");
    // Left out, a setting is looked up in process.env: an empty one is "none".
    const dispatcher = new undici.EnvHttpProxyAgent({ httpProxy: httpProxy ?? "", httpsProxy: httpsProxy ?? "", noProxy: read("NO_PROXY") ?? "" });
    return ((input: string, init: RequestInit) =>
      undici.fetch(input, { ...(init as UndiciInit), dispatcher })) as unknown as typeof fetch; // the same interface, declared twice
  };
  return async (input, init) => (await (opening ??= open()))(input, init);
}

function checkProxy(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const address = value.includes("://") ? value : `http://${value}`; // Python and curl take host:port
  if (!/^https?:\/\//i.test(address) || !URL.canParse(address))
    throw new HubError("USAGE", `${name}: expected http://HOST:PORT, got another kind of address`, "SOCKS proxies are not supported");
  return address;
}
