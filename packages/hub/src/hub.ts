/** Where a file is looked for. */
export interface RepoRef {
  /** Default "model". */
  type?: "model" | "dataset";
  /** `owner/name`; a few old models have a name alone (`gpt2`). */
  repo: string;
  /** Branch, tag, `refs/pr/1` or commit; default "main". A full commit hash needs no network where it is cached. */
  revision?: string;
}

export interface HubOptions {
  /** The folder that Python's huggingface_hub caches in (`$HF_HOME/hub`): its layout, read and written. */
  cache: string;
  /** What that layout has no place for: ranges of files, entries of zips, listings (`$HF_HOME/dictlearn`). */
  ownCache: string;
  /** Default https://huggingface.co. */
  endpoint?: string;
  /** Sent to the endpoint's own origin only. */
  token?: string;
  /** No request at all: what is cached, or an error that names what is missing. */
  offline?: boolean;
  /** Default: the platform's. Node's own ignores HTTPS_PROXY; `hubEnvironment` brings one that honours it. */
  fetch?: typeof fetch;
  /** Milliseconds that an origin has for its first answer; default 5,000. */
  connectTimeout?: number;
  /** Milliseconds without an answer, or with less than 1 KiB of a body, after which a connection counts as dead; default 10,000. */
  idleTimeout?: number;
  /**
   * Milliseconds before the second try, doubled for each after it, to a minute, and drawn between half and one and a half of that. Default 500.
   * There are five tries, and eight once the Hub has served anything.
   */
  retryPause?: number;
  /** false: copies in `snapshots` instead of links (HF_HUB_DISABLE_SYMLINKS); links that the system refuses become copies anyway. */
  symlinks?: boolean;
  /** Bytes as they arrive, those that an earlier run left included. */
  onProgress?(progress: { name: string; received: number; total?: number }): void;
  /** One line on what happens instead of what was meant: the cache for an absent network, every wait before another try. */
  onNotice?(line: string): void;
}

/** Bytes at random places; `@dictlearn/checkpoint` takes it as it is. */
export interface RangeSource {
  readonly name: string;
  readonly byteLength: number;
  /** Bytes start..end, end excluded. Slices asked for in one turn of the event loop share requests. */
  slice(start: number, end: number): Promise<ArrayBuffer>;
  close(): Promise<void>;
}

/** Every method throws `HubError`. Paths are those of the repository, with `/`. */
export interface Hub {
  /** The files at the revision, below `path` if given; kept, so that it works offline. */
  files(ref: RepoRef, options?: { path?: string }): Promise<{ path: string; size: number }[]>;
  /** The local path of a file that the cache holds whole; no request. */
  find(ref: RepoRef, path: string): Promise<string | undefined>;
  /** A whole file, downloaded unless cached, and checked: its local path in the cache, `.../snapshots/<commit>/<path>`. */
  file(ref: RepoRef, path: string): Promise<string>;
  /**
   * A file of which parts are wanted. What was read stays on disk, so nothing is fetched twice; once every part is
   * there and the whole is checked, it becomes a file of the cache.
   */
  source(ref: RepoRef, path: string): Promise<RangeSource>;
  /**
   * A file from start to end (excluded), once; nothing is kept. A connection that breaks goes on at the byte it had.
   * The bytes are not checked against a hash: that takes the whole.
   */
  stream(ref: RepoRef, path: string, range?: { start?: number; end?: number }): AsyncIterable<Uint8Array>;
  /**
   * One entry of a zip, fetched by ranges and checked: its local path. The archive itself is not downloaded.
   * @param entryPath the entry's path, or the end of it where no other ends so: `10_32768/ae.pt`
   */
  zipEntry(ref: RepoRef, zipPath: string, entryPath: string): Promise<string>;
}
