export { createChatTransport } from "./transport.ts";
export type { ChatTransportOptions, MillraceChatTransport, SendRequest } from "./transport.ts";
