import poll, { createPoller } from "./poll.mjs";

export default { ...poll, title: "polling, every 5 seconds", ...createPoller({ everyMs: 5_000 }) };
