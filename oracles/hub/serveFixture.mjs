// The loopback Hub of the tests, for make_cache.py: prints its address, serves until its input ends.
// eslint-disable-next-line no-restricted-imports -- records what tests compare with
import { hubFixture, startHubServer } from "@dictlearn/testing";

const server = await startHubServer(hubFixture());
console.log(server.url);
process.stdin.resume().on("end", () => server.close());
