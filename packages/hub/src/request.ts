import { setTimeout as sleep } from "node:timers/promises";
import type { HubOptions } from "./hub.js";
import { HubError } from "./hubError.js";
import { show } from "./names.js";

/** An answer, and what the endpoint itself said on the way of the file that its redirects lead to. */
export interface Answer {
  response: Response;
  /** X-Linked-Etag of the last hop that had one; else the ETag of an answer from the endpoint. As sent, with quotes. */
  etag?: string;
  /** X-Linked-Size. */
  size?: string;
}

export interface RequestInput {
  /** At the endpoint, or below it: `/api/models/x`. */
  url: string;
  method?: "GET" | "HEAD";
  /** Bytes first..last, both included, as in the header. */
  range?: { first: number; last: number };
  /** Stops at the redirect to another origin: what it would lead to is not asked for. */
  stopAtRedirect?: boolean;
  signal?: AbortSignal;
}

/** Statuses that another try may change; huggingface_hub retries the same. */
const passing = new Set([408, 429, 500, 502, 503, 504]);
const longestPause = 120_000; // of a Retry-After that is waited for
export const tries = 4;
const maxRedirects = 8;

/**
 * Requests to one endpoint: redirects followed by hand, so that the token stays with the endpoint's origin; pauses and
 * new tries where they help; an answer that is not 2xx or a redirect is an error of the caller's making (`refuse`).
 */
export class Requester {
  readonly endpoint: string;
  readonly #origin: string;
  readonly #options: HubOptions;
  readonly #fetch: typeof fetch;
  readonly #answered = new Set<string>(); // origins: the first answer has connectTimeout, later ones idleTimeout
  readonly idleTimeout: number;

  constructor(options: HubOptions) {
    const endpoint = (options.endpoint ?? "https://huggingface.co").replace(/\/+$/, "");
    const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
    if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.search || url.hash)
      throw new HubError("USAGE", "endpoint: expected an http(s) address without user, password or query, got another", "set HF_ENDPOINT as in https://huggingface.co");
    // A header with another character is refused by fetch in words that repeat it.
    if (options.token !== undefined && !/^[\x21-\x7e]+$/.test(options.token))
      throw new HubError("USAGE", "token: expected visible ASCII characters only, got others", "copy it again from https://huggingface.co/settings/tokens");
    this.endpoint = endpoint;
    this.#origin = url.origin;
    this.#options = options;
    this.#fetch = options.fetch ?? fetch;
    this.idleTimeout = options.idleTimeout ?? 10_000;
  }

  get hasToken(): boolean {
    return this.#options.token !== undefined;
  }

  /** Whether the endpoint has answered anything yet. */
  get hasAnswered(): boolean {
    return this.#answered.has(this.#origin);
  }

  /**
   * One answer that is 2xx, 3xx (with `stopAtRedirect`) or final in another way; the caller reads its status.
   * @throws HubError NETWORK when nothing answers, or keeps answering that it is out of order
   */
  async request(input: RequestInput): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      let wait = this.pause(attempt);
      try {
        const answer = await this.#follow(input);
        const { response } = answer;
        if (!passing.has(response.status)) return answer;
        await drop(response);
        const asked = retryAfter(response.headers);
        const fault = new HubError(
          "NETWORK",
          `${place(response.url || input.url)}: expected an answer, got status ${response.status}${asked === undefined ? "" : ` (asks to wait ${Math.ceil(asked / 1000)} s)`}`,
          response.status === 429 ? `wait, or ${this.hasToken ? "ask for less at once" : "set HF_TOKEN: those who are known may ask more often"}` : "try again later",
        );
        if (asked !== undefined) wait = asked;
        if (wait > longestPause || attempt === tries) throw fault;
        if (asked !== undefined && asked >= 1000) this.notice(`${place(input.url)} asks to wait ${Math.ceil(asked / 1000)} s (status ${response.status}); waiting`);
      } catch (error) {
        if (!(error instanceof HubError) || error.code !== "NETWORK" || attempt === tries) throw error;
        // No network: known after one timeout, or two failures, since the first may be a kept connection that the other side has closed.
        if (!this.hasAnswered && (attempt === 2 || error.cause === undefined)) throw error;
        if (wait > longestPause) throw error;
      }
      await sleep(wait);
    }
  }

  /** Milliseconds before the try after this one. */
  pause(attempt: number): number {
    return (this.#options.retryPause ?? 500) * 2 ** (attempt - 1);
  }

  notice(line: string): void {
    this.#options.onNotice?.(line);
  }

  async #follow(input: RequestInput): Promise<Answer> {
    let url = new URL(input.url.startsWith("/") ? this.endpoint + input.url : input.url);
    let etag: string | undefined;
    let size: string | undefined;
    for (let hop = 0; hop <= maxRedirects; hop++) {
      const ours = url.origin === this.#origin;
      const response = await this.#once(url, ours, input);
      if (ours) {
        etag = response.headers.get("x-linked-etag") ?? etag;
        size = response.headers.get("x-linked-size") ?? size;
      }
      const location = response.status >= 300 && response.status < 400 && response.status !== 304 ? response.headers.get("location") : null;
      if (location === null) return { response, etag: etag ?? (ours ? (response.headers.get("etag") ?? undefined) : undefined), size };
      if (!URL.canParse(location, url.href)) throw new HubError("NETWORK", `${place(url.href)}: expected a redirect to an address, got ${show(location)}`);
      const next = new URL(location, url);
      if (!/^https?:$/.test(next.protocol)) throw new HubError("NETWORK", `${place(url.href)}: expected a redirect to http(s), got ${show(next.protocol)}`);
      if (input.stopAtRedirect && next.origin !== this.#origin) return { response, etag, size };
      await drop(response);
      url = next;
    }
    throw new HubError("NETWORK", `${place(input.url)}: expected a file, got ${maxRedirects} redirects in a row`);
  }

  async #once(url: URL, ours: boolean, { method = "GET", range, signal }: RequestInput): Promise<Response> {
    const limit = this.#answered.has(url.origin) ? this.idleTimeout : (this.#options.connectTimeout ?? 5_000);
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), limit);
    try {
      const response = await this.#fetch(url.href, {
        method,
        redirect: "manual",
        signal: signal ? AbortSignal.any([deadline.signal, signal]) : deadline.signal, // `signal` also ends the body
        headers: {
          "user-agent": "dictlearn",
          "accept-encoding": "identity", // ranges and sizes are those of the file
          ...(range && { range: `bytes=${range.first}-${range.last}` }),
          ...(ours && this.#options.token !== undefined && { authorization: `Bearer ${this.#options.token}` }),
        },
      });
      this.#answered.add(url.origin);
      return response;
    } catch (error) {
      throw deadline.signal.aborted ? this.networkError(url.href, `none within ${limit / 1000} s`) : this.networkError(url.href, reason(error), error);
    } finally {
      clearTimeout(timer);
    }
  }

  networkError(url: string, got: string, cause?: unknown): HubError {
    return new HubError(
      "NETWORK",
      `${place(url)}: expected an answer, got ${got}`,
      "check the network, and HTTPS_PROXY where one is needed; HF_HUB_OFFLINE=1 works with what is cached alone",
      cause === undefined ? undefined : { cause: new Error(this.#redact(String(cause))) },
    );
  }

  #redact(text: string): string {
    const { token } = this.#options;
    return token ? text.replaceAll(token, "***") : text;
  }
}

/** The body of an answer that is not read: let go of, so that its connection is. */
export async function drop(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

/** An address for messages: without the query, which in a signed one is a secret. */
export function place(url: string): string {
  if (!URL.canParse(url)) return url.split("?")[0];
  const { origin, pathname } = new URL(url);
  const text = origin + pathname;
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** Why a connection failed, in its code's words: ECONNREFUSED, ENOTFOUND, a certificate's fault. */
export function reason(error: unknown): string {
  const { cause } = error as { cause?: { code?: string; message?: string } };
  const code = cause?.code ?? (error as { code?: string }).code;
  return typeof code === "string" ? code : "a broken connection";
}

/** Milliseconds that the server asks to wait: Retry-After in seconds or as a date, or the Hub's `RateLimit: "api";r=0;t=55`. */
function retryAfter(headers: Headers): number | undefined {
  const text = headers.get("retry-after")?.trim() ?? /;\s*r=0;\s*t=(\d+)/.exec(headers.get("ratelimit") ?? "")?.[1];
  if (!text) return undefined;
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}
