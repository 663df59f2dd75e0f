import { createReadStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createBrotliDecompress } from "node:zlib";
import { extract } from "tar";

const cache = fileURLToPath(new URL("../../../node_modules/.cache/dictlearn/", import.meta.url));

/**
 * Makes the software Vulkan of `@sparticuz/chromium` (Chromium's SwiftShader and loader) the one that Dawn finds in this
 * process. Call before `webgpu` is imported.
 * @param into the folder that keeps the unpacked libraries for the next process
 * @returns why it cannot be, or undefined when it is ready
 */
export async function loadSwiftShader(into = cache): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64")
    return `software Vulkan comes for linux-x64 only, this is ${process.platform}-${process.arch}`;
  const archive = locate();
  if (!archive) return "software Vulkan: the optional package @sparticuz/chromium is not installed";

  const folder = await unpacked(archive, into);
  const driver = join(folder, "vk_swiftshader_icd.json");
  process.env.VK_DRIVER_FILES = driver;
  process.env.VK_ICD_FILENAMES = driver; // the older name of the same
  pin(join(folder, "libvulkan.so.1"));
  return undefined;
}

function locate(): string | undefined {
  try {
    const main = createRequire(import.meta.url).resolve("@sparticuz/chromium"); // <package>/build/cjs/index.cjs
    return join(dirname(main), "../../bin/swiftshader.tar.br");
  } catch {
    return undefined;
  }
}

/** Unpacked beside and renamed into place, so that test processes that start together never see half a folder. */
async function unpacked(archive: string, into: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(dirname(archive), "../package.json"), "utf8"));
  const folder = join(into, `swiftshader-${version}`);
  if (existsSync(folder)) return folder;
  await mkdir(into, { recursive: true });
  const beside = await mkdtemp(`${folder}-`);
  try {
    await pipeline(createReadStream(archive), createBrotliDecompress(), extract({ cwd: beside }));
    await rename(beside, folder);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // else another process was first
  }
  return folder;
}

/** Loads the library for good, where Dawn's own dlopen by name finds it. It is no Node addon, which is all that fails. */
function pin(library: string): void {
  const nodelete = 0x1000;
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  try {
    process.dlopen({ exports: {} }, library, RTLD_NOW | RTLD_GLOBAL | nodelete);
  } catch (error) {
    if (!String(error).includes("did not self-register")) throw error;
  }
}
