import { createPolling } from "./poll-1s.mjs";

export default createPolling("long polling", { kind: "long-poll" });
