/** Calls its data file makes: `featureData("index", {…})`. */
declare global {
  interface Window {
    featureData?: (name: string, data: unknown) => void;
    trustedTypes?: { createPolicy(name: string, rules: { createScriptURL(name: string): string }): { createScriptURL(name: string): string } };
  }
}

const loaded = new Map<string, Promise<unknown>>();
const waiting = new Map<string, (data: unknown) => void>();
window.featureData = (name, data) => waiting.get(name)?.(data);

/** The only scripts that are ever loaded, and the policy of the page that says so. */
const address = { createScriptURL: (name: string) => `data/${name.replace(/\W/g, "")}.js` };
const policy = window.trustedTypes?.createPolicy("data", address) ?? address;

/** What `data/NAME.js` holds. A script and no fetch: a page that was opened from a disk may not fetch. */
export function dataFile<T>(name: string): Promise<T> {
  if (!loaded.has(name)) {
    loaded.set(
      name,
      new Promise((resolve, reject) => {
        waiting.set(name, resolve);
        const script = document.createElement("script");
        script.src = policy.createScriptURL(name);
        script.onload = () => script.remove();
        script.onerror = () => {
          script.remove();
          loaded.delete(name); // the next one may find it
          reject(new Error(`data/${name}.js: expected it beside this page, and it could not be loaded`));
        };
        document.head.append(script);
      }),
    );
  }
  return loaded.get(name) as Promise<T>;
}
