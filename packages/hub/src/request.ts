import { setTimeout as sleep } from "node:timers/promises";
import type { HubOptions } from "./hub.js";
import { HubError } from "./hubError.js";
import { show } from "./names.js";
import type { RemoteFile } from "./remoteFile.js";
import { patience } from "./patience.js";

/** An answer, and what the endpoint itself said on the way of the file that its redirects lead to. */
export interface Answer {
  response: Response;
  /** Whether it comes from the endpoint, and not from where that redirects to. */
  ours: boolean;
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
/** Of another origin than the endpoint: the signature in the address has run out, and the endpoint gives another. */
const expired = new Set([400, 401, 403]);
const longestWait = 600_000; // ms of a Retry-After; the Hub counts requests by five minutes
const longestPause = 60_000; // ms between tries
const [triesAtFirst, triesLater] = [5, 8]; // those who can be served by nothing else wait longer: a minute in all
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
  #served = false; // whether there was an answer that was not out of order
  readonly idleTimeout: number;
  /** Told of a file whose bytes are not as it was looked up: what was kept of that may be wrong. */
  onDoubt?: (file: RemoteFile) => Promise<void>;

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
      let fault: HubError;
      let asked: number | undefined;
      try {
        const answer = await this.#follow(input);
        const { response, ours } = answer;
        if (!passing.has(response.status) && (ours || !expired.has(response.status))) {
          this.#served = true;
          return answer;
        }
        await drop(response);
        asked = retryAfter(response.headers);
        fault = new HubError(
          "NETWORK",
          `${place(response.url || input.url)}: expected an answer, got status ${response.status}${asked === undefined ? "" : ` (asks to wait ${Math.ceil(asked / 1000)} s)`}`,
          response.status === 429 ? `wait, or ${this.hasToken ? "ask for less at once" : "set HF_TOKEN: those who are known may ask more often"}` : "try again later",
        );
        if (asked !== undefined && asked > longestWait) throw fault;
      } catch (error) {
        if (!(error instanceof HubError) || error.code !== "NETWORK" || error === fault!) throw error;
        fault = error;
        // No network: known after one timeout, or two failures, since the first may be a kept connection that the other side has closed.
        if (!this.hasAnswered && (attempt === 2 || error.cause === undefined)) throw error;
      }
      await this.retry(attempt, fault, { asked });
    }
  }

  /** Tries until an error is final. */
  get tries(): number {
    return this.#served ? triesLater : triesAtFirst;
  }

  /**
   * Waits before the try after this one, and says so: longer each time, at random between half and one and a half times as long, so that
   * many who were cut off together do not come back together.
   * @param options.asked the milliseconds that the server asks for, at the least
   * @param options.told what happened, if the error does not say it
   * @throws `fault` after the last try
   */
  async retry(attempt: number, fault: HubError, { asked = 0, told = fault.message }: { asked?: number; told?: string } = {}): Promise<void> {
    if (attempt >= this.tries) throw fault;
    const pause = Math.min(longestPause, (this.#options.retryPause ?? 500) * 2 ** (attempt - 1));
    const wait = Math.max(asked, 0) + pause * (0.5 + Math.random());
    if (this.hasAnswered) this.notice(`retrying in ${Number((wait / 1000).toPrecision(2))} s (${attempt + 1} of ${this.tries}): ${told}`);
    await sleep(wait);
  }

  notice(line: string): void {
    this.#options.onNotice?.(this.redact(line));
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
      if (location === null) return { response, ours, etag: etag ?? (ours ? (response.headers.get("etag") ?? undefined) : undefined), size };
      if (!URL.canParse(location, url.href)) throw new HubError("NETWORK", `${place(url.href)}: expected a redirect to an address, got ${show(location)}`);
      const next = new URL(location, url);
      if (!/^https?:$/.test(next.protocol)) throw new HubError("NETWORK", `${place(url.href)}: expected a redirect to http(s), got ${show(next.protocol)}`);
      if (input.stopAtRedirect && next.origin !== this.#origin) return { response, ours, etag, size };
      await drop(response);
      url = next;
    }
    throw new HubError("NETWORK", `${place(input.url)}: expected a file, got ${maxRedirects} redirects in a row`);
  }

  async #once(url: URL, ours: boolean, { method = "GET", range, signal }: RequestInput): Promise<Response> {
    const limit = this.#answered.has(url.origin) ? this.idleTimeout : (this.#options.connectTimeout ?? 5_000);
    const deadline = new AbortController();
    const end = patience(limit, () => deadline.abort());
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
      end();
    }
  }

  networkError(url: string, got: string, cause?: unknown): HubError {
    return new HubError(
      "NETWORK",
      `${place(url)}: expected an answer, got ${got}`,
      "check the network, and HTTPS_PROXY where one is needed; HF_HUB_OFFLINE=1 works with what is cached alone",
      cause === undefined ? undefined : { cause: new Error(this.redact(String(cause))) },
    );
  }

  /** A text without the token, which a server may send back in anything. */
  redact(text: string): string {
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
