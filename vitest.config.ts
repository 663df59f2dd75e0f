import { defineConfig } from "vitest/config";
import { asShipped, builtFiles } from "./scripts/asShipped.ts";

export default defineConfig({
  plugins: [asShipped()],
  test: {
    include: ["{packages,apps}/*/src/**/*.test.ts", "{examples,bench,tests,faults}/**/*.test.ts"],
    // A worker is a process, since the software Vulkan loader reads the real environment; it runs many files, so that
    // they share one GPU device and its compiled pipelines. A test file must clean up what it changes.
    pool: "forks",
    isolate: false,
    maxWorkers: 2,
    server: { deps: { external: [builtFiles] } },
    env: { NODE_DISABLE_COMPILE_CACHE: "1" }, // apps that are started leave no compiled code in the home
    testTimeout: 180_000, // a software GPU on a busy machine
    hookTimeout: 180_000,
    reporters: ["default", ["json", { outputFile: process.env.VITEST_JSON ?? "node_modules/.cache/vitest/report.json" }]],
  },
  // `using` needs compiling on Node 20.
  oxc: { target: "es2022" },
});
