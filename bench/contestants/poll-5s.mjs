import { createPolling } from "./poll-1s.mjs";

export default createPolling("polling, every 5 seconds", { kind: "poll", everyMs: 5_000 });
