export type { ChatView } from "./follower.ts";
export { createChatTransport } from "./transport.ts";
export type { ChatTransportOptions, MillraceChatTransport, SendRequest } from "./transport.ts";
