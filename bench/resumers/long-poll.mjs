import { createPoller } from "./poll.mjs";

export default {
  title: "long polling",
  version: () => process.version,
  way: "asks with the number of what it has",
  yours: "a history, both sides of the asking, when to give up waiting",
  ...createPoller({ waits: true }),
};
