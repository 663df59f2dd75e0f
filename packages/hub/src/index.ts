export type { Hub, HubOptions, RangeSource, RepoRef } from "./hub.js";
export { HubError } from "./hubError.js";
export { hubEnvironment, hubVariables } from "./environment.js";
export { takeLock, withLock, type Held, type Lock } from "./lock.js";
export { type Holder } from "./holder.js";
export { makeFolder } from "./makeFolder.js";
export { parseHubName, type HubName } from "./names.js";
export { openHub } from "./openHub.js";
