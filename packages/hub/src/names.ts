import type { RepoRef } from "./hub.js";
import { HubError } from "./hubError.js";

/** A name as a person writes it, in parts. */
export interface HubName extends RepoRef {
  /** In the repository, with `/`. */
  path?: string;
  /** Of the zip at `path`. */
  entry?: string;
}

/**
 * `hf:[datasets/]OWNER/REPO[@REVISION][/path/in/repo[.zip!/entry]]`; `hf://` is the same. A revision with slashes is
 * `refs/pr/1`, `refs/convert/parquet`, or written with `%2F`.
 * @throws HubError USAGE for what cannot be such a name
 */
export function parseHubName(text: string): HubName {
  const wrong = (what: string) =>
    new HubError("USAGE", `${show(text)}: expected hf:OWNER/REPO[@REVISION][/PATH], got ${what}`, "e.g. hf:EleutherAI/pythia-70m-deduped/config.json");
  const rest = /^hf:(?:\/\/)?(.*)$/s.exec(text)?.[1];
  if (rest === undefined) throw wrong("a name without hf:");
  const parts = /^(?:(models|datasets|spaces)\/)?([^/@]+\/[^/@]+)(?:@(refs\/(?:pr|convert)\/[^/]+|[^/]*))?(?:\/(.*))?$/s.exec(rest);
  if (!parts) throw wrong("no owner and name");
  const [, kind, repo, revision, tail] = parts;
  if (kind === "spaces") throw wrong("a space: only models and datasets hold files for this");
  if (revision === "") throw wrong("an empty revision");
  const [path, entry, ...more] = tail === undefined || tail === "" ? [] : tail.split(".zip!/");
  if (more.length) throw wrong("a zip inside a zip");
  const name: HubName = {
    type: kind === "datasets" ? "dataset" : "model",
    repo,
    ...(revision !== undefined && { revision: decode(revision, wrong) }),
    ...(path !== undefined && { path: entry === undefined ? path : `${path}.zip` }),
    ...(entry !== undefined && { entry }),
  };
  checkRef(name);
  if (name.path !== undefined) checkPath(name.path, "path");
  if (entry !== undefined) checkPath(entry, "entry");
  return name;
}

function decode(text: string, wrong: (what: string) => HubError): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong("a revision with a broken % escape");
  }
}

/**
 * A repository and revision that may become a folder's name: the rules of huggingface_hub's validate_repo_id, and git's
 * for the revision.
 * @throws HubError USAGE
 */
export function checkRef({ type, repo, revision }: RepoRef): void {
  if (type !== undefined && type !== "model" && type !== "dataset")
    throw new HubError("USAGE", `repository ${show(repo)}: expected a type model or dataset, got ${show(type)}`);
  if (!/^(?:[A-Za-z0-9_](?:[\w.-]{0,94}\w)?\/)?[A-Za-z0-9_](?:[\w.-]{0,94}\w)?$/.test(repo) || /--|\.\.|\.git$/.test(repo))
    throw new HubError(
      "USAGE",
      `repository: expected OWNER/NAME of letters, digits, "-", "_" and "." (no "--", "..", ".git" at the end), got ${show(repo)}`,
      "copy the name from the top of the repository's page",
    );
  if (revision !== undefined && (badSegments(revision) || /[\s~^:?*[\\]|\.\.|@\{|\.lock(?:\/|$)/.test(revision)))
    throw new HubError("USAGE", `revision: expected a branch, tag or commit, got ${show(revision)}`, `e.g. "main" or "refs/pr/1"`);
}

/**
 * A path of a repository or zip that stays below the folder it is joined to, on Windows too.
 * @throws HubError USAGE; also for names that a server or an archive gave
 */
export function checkPath(path: string, what: "path" | "entry"): void {
  if (badSegments(path))
    throw new HubError("USAGE", `${what}: expected a relative name without "..", "\\" or empty parts, got ${show(path)}`, "such a name could leave the cache folder");
}

function badSegments(path: string): boolean {
  if (path.length === 0 || path.length > 4096) return true;
  // eslint-disable-next-line no-control-regex -- they are what is refused
  if (/[\0-\x1f\x7f\\]|\p{Surrogate}/u.test(path)) return true; // half a surrogate pair has no bytes, in an address or on a disk
  return path.split("/").some((part) => part === "" || /^[A-Za-z]:/.test(part) || /[. ]$/.test(part) || part.length > 255);
}

/** `EleutherAI/pythia-70m`, `datasets/monology/pile-uncopyrighted@v1`: how messages call it, and the path of its page. */
export function repoName({ type, repo }: RepoRef): string {
  return `${type === "dataset" ? "datasets/" : ""}${repo}`;
}

export function revisionOf({ revision }: RepoRef): string {
  return revision ?? "main";
}

/** A full commit hash names one state for ever; anything else may move. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/** A hostile name in an error message: quoted, escaped, cut. */
export function show(text: unknown): string {
  const quoted = JSON.stringify(typeof text === "string" ? text : text === null || typeof text !== "object" ? String(text) : "an object"); // whose own toString may be anything
  return quoted.length > 200 ? `${quoted.slice(0, 200)}…` : quoted;
}

/** The commands that fetch a file while there is a network, for remedies. */
export function fetchCommand(ref: RepoRef, path?: string): string {
  return [
    `hf download ${ref.repo}`,
    ...(path === undefined ? [] : [quoteArgument(path)]),
    ...(ref.type === "dataset" ? ["--repo-type dataset"] : []),
    ...(ref.revision === undefined ? [] : [`--revision ${quoteArgument(ref.revision)}`]),
  ].join(" ");
}

const quoteArgument = (text: string) => (/^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
