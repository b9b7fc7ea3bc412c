import { expect, test } from "vitest";
import { readConfig } from "../../src/cli/config.ts";

const file = (settings: object) => ({ path: "millrace.config.json", text: JSON.stringify(settings) });

test("flags win over the environment, the environment over the file, the file over defaults", () => {
  const sources = {
    flags: { port: "1", config: "x.json" },
    env: { MILLRACE_PORT: "2", MILLRACE_LOG: "memory", MILLRACE_URL: "http://x", PATH: "/bin" },
    file: file({ port: 3, log: "lmdb", data: "there", allowedHost: ["a.example", "b.example"] }),
  };
  expect(readConfig(sources)).toEqual({
    port: 1,
    host: "127.0.0.1",
    data: "there",
    log: "memory",
    dev: false,
    demo: true,
    titles: true,
    allowedHost: ["a.example", "b.example"],
    allowedOrigin: [],
    insecure: false,
    recover: "interrupted",
    logLevel: "warn",
  });
});

test("the demo is on, and can be turned off in each place", () => {
  expect(readConfig({ flags: {}, env: {} }).demo).toBe(true);
  expect(readConfig({ flags: { demo: false }, env: { MILLRACE_DEMO: "true" } }).demo).toBe(false);
  expect(readConfig({ flags: {}, env: { MILLRACE_DEMO: "0" } }).demo).toBe(false);
  expect(readConfig({ flags: {}, env: {}, file: file({ demo: false }) }).demo).toBe(false);
});

test("no port is no default port: the next free one may be taken", () => {
  expect(readConfig({ flags: {}, env: {} }).port).toBeUndefined();
});

test.each([
  [
    { flags: {}, env: { MILLRACE_PROT: "1" } },
    "environment variable MILLRACE_PROT. Did you mean MILLRACE_PORT?",
  ],
  [
    { flags: {}, env: {}, file: file({ allowedHosts: [] }) },
    'key "allowedHosts" in millrace.config.json. Did you mean allowedHost?',
  ],
  [
    { flags: { port: "99999" }, env: {} },
    '--port takes a number from 0 to 65535; 0 is any free one, not "99999"',
  ],
  [
    { flags: {}, env: { MILLRACE_LOG: "redis" } },
    'MILLRACE_LOG takes memory, lmdb, or an address such as redis://127.0.0.1:6379, not "redis"',
  ],
  [{ flags: { recover: "restart" }, env: {} }, '--recover takes interrupted or continue, not "restart"'],
  [
    { flags: {}, env: {}, file: file({ dev: "yes" }) },
    'dev in millrace.config.json takes true or false, not "yes"',
  ],
  [
    { flags: {}, env: { MILLRACE_BASE_PATH: "/chat/" } },
    'MILLRACE_BASE_PATH takes a path such as /millrace, without a slash at its end, not "/chat/"',
  ],
  [{ flags: {}, env: {}, file: { path: "x.json", text: "{" } }, "x.json is not JSON"],
  [{ flags: {}, env: {}, file: { path: "x.json", text: "[]" } }, "x.json must hold an object"],
])("says what is wrong and what would be right: %#", (sources, text) => {
  expect(() => readConfig(sources)).toThrow(text);
});
