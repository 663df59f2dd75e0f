import { HubError } from "./hubError.js";
import type { RepoRef } from "./hub.js";
import { repoName, revisionOf, show } from "./names.js";
import { drop, place, type Requester } from "./request.js";

/**
 * What an answer that is not a file means, by the Hub's X-Error-Code and X-Error-Message. A private repository looks
 * like a missing one: 401 without a token, 404 with one.
 */
export async function refusal(response: Response, ref: RepoRef, requester: Requester): Promise<HubError> {
  await drop(response);
  const { status } = response;
  const code = response.headers.get("x-error-code");
  const said = response.headers.get("x-error-message") ?? "";
  const name = repoName(ref);
  const page = `${requester.endpoint}/${name}`;
  const logIn = "set HF_TOKEN or run `hf auth login`";
  if (said === "Invalid credentials in Authorization header")
    return new HubError("USAGE", `${name}: expected a valid token, got one that ${new URL(requester.endpoint).host} refuses`, `renew HF_TOKEN or run \`hf auth login\`; unset it for public repositories`);
  if (code === "GatedRepo")
    return new HubError(
      "NOT_FOUND",
      `${name}: expected access, got a gated repository${requester.hasToken ? " that this token has no access to" : " and no token"}`,
      `accept its terms at ${page}${requester.hasToken ? " with the account of the token (a fine-grained token also needs read access to gated repositories)" : `, then ${logIn}`}`,
    );
  if (said === "Access to this resource is disabled.") return new HubError("NOT_FOUND", `${name}: expected a repository, got one that the Hub has disabled`, `see ${page}`);
  if (code === "RevisionNotFound")
    return new HubError("NOT_FOUND", `${name}: expected revision ${show(revisionOf(ref))}, got none of that name`, `branches and tags are listed at ${page}/tree/main`);
  if (code === "EntryNotFound") return new HubError("NOT_FOUND", `${name}: expected the asked path at ${revisionOf(ref)}, got none of that name`, `files are listed at ${page}/tree/${revisionOf(ref)}`);
  if (code === "RepoNotFound" || status === 401 || status === 404)
    return new HubError(
      "NOT_FOUND",
      `${name}: expected a ${ref.type ?? "model"} repository, got none of that name${requester.hasToken ? " that this token may see" : ""}`,
      `check the spelling and that it is a ${ref.type ?? "model"}; if it is private, ${requester.hasToken ? "the token's account needs access to it" : logIn}`,
    );
  if (status === 403) return new HubError("NOT_FOUND", `${name}: expected access, got a refusal (403${said ? `, ${show(said)}` : ""})`, `see ${page}; the token needs read access to it`);
  return new HubError("NETWORK", `${place(response.url)}: expected a file or an error of the Hub, got status ${status}`, "check HF_ENDPOINT and proxies: something else may have answered");
}
