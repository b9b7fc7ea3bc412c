import { vi } from "vitest";

/** As long as `expect.poll` waits here. On its own `vi.waitFor` gives up after one second, which a busy machine may need. */
const TIMEOUT_MS = 60_000;

const { waitFor } = vi;
vi.waitFor = (callback, options) =>
  waitFor(callback, typeof options === "number" ? options : { timeout: TIMEOUT_MS, ...options });
