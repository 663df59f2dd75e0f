import { refusal } from "./answers.js";
import type { CacheLayout } from "./cacheLayout.js";
import type { HubOptions, RepoRef } from "./hub.js";
import { HubError } from "./hubError.js";
import { checkPath, checkRef, fetchCommand, isCommit, repoName, revisionOf, show } from "./names.js";
import type { ListedFile, OwnCache } from "./ownCache.js";
import { lookUp, readBody, type RemoteFile } from "./remoteFile.js";
import { place, type Requester } from "./request.js";

/** What the Hub says of repositories, asked once and kept: the commit of a branch, the files at a commit, the etag of a file. */
export class Repositories {
  readonly #commits = new Map<string, Promise<string>>();

  constructor(
    private readonly options: HubOptions,
    private readonly requester: Requester,
    private readonly layout: CacheLayout,
    private readonly own: OwnCache,
  ) {}

  async files(ref: RepoRef, folder = ""): Promise<ListedFile[]> {
    checkRef(ref);
    if (folder !== "") checkPath(folder, "path");
    return this.atCommit(ref, `the list of files${folder && ` in ${folder}`}`, undefined, async (commit) => {
      const kept = (await this.own.readList(ref, commit, folder)) ?? (await this.own.readList(ref, commit, ""))?.filter(({ path }) => path.startsWith(`${folder}/`));
      if (kept || this.options.offline) return kept;
      const files = await this.#list(ref, commit, folder);
      await this.own.writeList(ref, commit, folder, files);
      return files;
    });
  }

  /** The commits at which to look without asking: the one that this session has settled on, or those that the caches know. */
  async currentCommits(ref: RepoRef): Promise<string[]> {
    const settled = await this.#commits.get(keyOf(ref))?.catch(() => undefined);
    return settled === undefined ? this.#knownCommits(ref) : [settled];
  }

  /**
   * Runs `body` at the commit of the revision. Without a network: at each commit that the caches know, until it finds.
   * @param wanted what an error says is missing
   * @param path what the remedy's command fetches
   */
  async atCommit<R>(ref: RepoRef, wanted: string, path: string | undefined, body: (commit: string) => Promise<R | undefined>): Promise<R> {
    const revision = revisionOf(ref);
    const commits = isCommit(revision) ? [revision] : this.options.offline ? await this.#knownCommits(ref) : [await this.#resolve(ref, path)];
    for (const commit of commits) {
      const found = await body(commit);
      if (found !== undefined) return found;
    }
    throw this.missing(ref, wanted, path);
  }

  missing(ref: RepoRef, wanted: string, path: string | undefined): HubError {
    return new HubError(
      "NOT_FOUND",
      `${repoName(ref)}: expected ${wanted} at ${revisionOf(ref)} in the cache since offline is set, got none in ${this.layout.folder(ref)} or ${this.options.ownCache}`,
      `with a network, \`${fetchCommand(ref, path)}\` fetches it; or unset HF_HUB_OFFLINE`,
    );
  }

  async #knownCommits(ref: RepoRef): Promise<string[]> {
    const revision = revisionOf(ref);
    if (isCommit(revision)) return [revision];
    const known = [await this.layout.readRef(ref, revision), await this.own.readRef(ref, revision)];
    return [...new Set(known)].filter((commit) => commit !== undefined);
  }

  /** The commit of a branch or tag: asked once, or what the caches know if nothing answers. */
  #resolve(ref: RepoRef, path: string | undefined): Promise<string> {
    const key = keyOf(ref);
    let commit = this.#commits.get(key);
    if (!commit) {
      commit = this.#ask(ref, path);
      this.#commits.set(key, commit);
      commit.catch(() => this.#commits.delete(key)); // the next may have a network
    }
    return commit;
  }

  async #ask(ref: RepoRef, path: string | undefined): Promise<string> {
    const revision = revisionOf(ref);
    const url = `/api/${ref.type ?? "model"}s/${ref.repo}/revision/${encodeURIComponent(revision)}?expand=sha`;
    try {
      const answer: unknown = await (await this.#read(url, ref)).json().catch(() => undefined);
      const sha = (answer as { sha?: unknown } | null | undefined)?.sha;
      if (typeof sha !== "string" || !isCommit(sha)) throw new HubError("NETWORK", `${this.requester.endpoint}: expected a commit, got ${show(sha)}`, "check HF_ENDPOINT: it may not be a Hub");
      await this.own.writeRef(ref, revision, sha).catch(() => undefined); // a cache that cannot be written may still be read
      return sha;
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== "NETWORK") throw error;
      const [known] = await this.#knownCommits(ref);
      if (known === undefined)
        throw new HubError(
          "NETWORK",
          error.message,
          `${error.remedy}; the cache was looked for at ${this.layout.folder(ref)}, which \`${fetchCommand(ref, path)}\` fills where there is a network`,
          { cause: error },
        );
      this.requester.notice(`${repoName(ref)}: ${error.message}; using what the cache has of ${revision}, commit ${known.slice(0, 8)}`);
      return known;
    }
  }

  /** An API's answer with its whole body, asked for again if that breaks off or is no JSON. */
  async #read(url: string, ref: RepoRef): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const stop = new AbortController();
      const { response } = await this.requester.request({ url, signal: stop.signal });
      if (!response.ok) throw await refusal(response, ref, this.requester);
      try {
        const parts: Uint8Array[] = [];
        let length = 0;
        for await (const bytes of readBody(response, stop, this.requester)) {
          parts.push(bytes);
          length += bytes.length;
          if (length <= largestAnswer) continue;
          stop.abort();
          throw new HubError("FORMAT", `${place(response.url || url)}: expected an answer of at most ${largestAnswer >> 20} MiB, got more`, "check HF_ENDPOINT: it may not be a Hub");
        }
        const body = Buffer.concat(parts);
        try {
          JSON.parse(body.toString());
        } catch {
          throw this.requester.networkError(response.url, `what is no JSON (${body.length} bytes)`);
        }
        return new Response(body, { headers: response.headers });
      } catch (error) {
        if (!(error instanceof HubError) || error.code === "FORMAT") throw error;
        await this.requester.retry(attempt, error);
      }
    }
  }

  async #list(ref: RepoRef, commit: string, folder: string): Promise<ListedFile[]> {
    const files: ListedFile[] = [];
    const { listFiles } = await import("@huggingface/hub"); // 70 ms, which only the first listing of a repository needs
    const pages = listFiles({
      repo: { type: ref.type ?? "model", name: ref.repo },
      revision: commit,
      path: folder.split("/").map(encodeURIComponent).join("/"),
      recursive: true,
      hubUrl: this.requester.endpoint,
      fetch: (input) => this.#read(String(input), ref), // which adds the token, and only at the endpoint
    });
    try {
      for await (const { type, path, size } of pages) {
        if (type !== "file") continue;
        if (files.length === mostFiles) throw new HubError("FORMAT", `${repoName(ref)}: expected at most ${mostFiles} files, got more`, "name a folder of it, or check HF_ENDPOINT");
        try {
          checkPath(path, "path");
          if (!Number.isSafeInteger(size) || size < 0) throw new HubError("FORMAT", `${repoName(ref)}: expected a size of ${show(path)}, got ${show(size)}`);
          files.push({ path, size });
        } catch (error) {
          if ((error as HubError).code === "FORMAT") throw error;
          this.requester.notice(`${repoName(ref)}: left out ${show(path)}, a name that could leave the cache folder`);
        }
      }
    } catch (error) {
      if (error instanceof HubError) throw error;
      throw new HubError("NETWORK", `${this.requester.endpoint}: expected a list of files, got another answer`, "check HF_ENDPOINT and proxies", { cause: error });
    }
    return files;
  }

  /** Etag and size of a file at a commit, asked once for ever; undefined if offline and never asked. */
  async lookUp(ref: RepoRef, commit: string, path: string): Promise<RemoteFile | undefined> {
    const known = await this.own.readFile(ref, commit, path);
    if (known || this.options.offline) return known;
    const file = await this.lookUpNow(ref, commit, path);
    await this.own.writeFile(file);
    return file;
  }

  /** Lets go of what was said of a file, which may have been wrong: the next asks again. */
  forget({ ref, commit, path }: RemoteFile): Promise<void> {
    return this.own.removeFile(ref, commit, path);
  }

  async lookUpNow(ref: RepoRef, commit: string, path: string): Promise<RemoteFile> {
    if (!(await this.layout.isKnownMissing(ref, commit, path))) {
      const file = await lookUp(this.requester, ref, commit, path);
      if (file) return file;
      await this.layout.markMissing(ref, commit, path);
      await this.layout.writeRef(ref, revisionOf(ref), commit);
    }
    throw new HubError(
      "NOT_FOUND",
      `${repoName(ref)}: expected ${show(path)} at revision ${revisionOf(ref)}, got none of that name`,
      `files are listed at ${this.requester.endpoint}/${repoName(ref)}/tree/${revisionOf(ref)}`,
    );
  }
}

const largestAnswer = 2 ** 26; // bytes of one answer of the API
const mostFiles = 1_000_000; // in a list, over all its pages

const keyOf = (ref: RepoRef) => JSON.stringify([ref.type ?? "model", ref.repo, revisionOf(ref)]);
