export { createChatStore } from "./chat-store.ts";
export type { ChatStore, ChatStoreOptions, ChatView, MessageOptions, ShownStep } from "./chat-store.ts";
export { createChatsStore } from "./chats-store.ts";
export type { ChatListEntry, ChatsStore, ChatsStoreOptions, ChatsView, FoundChat } from "./chats-store.ts";
export { createClient } from "./client.ts";
export type { Client, ClientOptions } from "./client.ts";
export { createModelsStore } from "./models-store.ts";
export type { ListedModel, ModelsStore, ModelsView } from "./models-store.ts";
export type { Store } from "./store.ts";
export { createConnectionState, nextTickAt, step } from "./connection.ts";
export { viewConnection } from "./connection-state.ts";
export type {
  ConnectionEffect,
  ConnectionError,
  ConnectionInput,
  ConnectionState,
  ConnectionStep,
  ConnectionView,
  Failure,
} from "./connection-state.ts";
export type { Attendance } from "./attendance.ts";
export type { Delivery, FollowOptions, Source, SourceCounts, Told } from "./delivery.ts";
export type { LocksLike } from "./election.ts";
export { StreamError } from "./error.ts";
export { createEventSourceTransport } from "./event-source.ts";
export type { EventSourceLike, EventSourceTransportOptions } from "./event-source.ts";
export { createFetchTransport } from "./fetch-source.ts";
export type { FetchTransportOptions } from "./fetch-reader.ts";
export { createApi } from "./request.ts";
export type { Api, ApiOptions, SendOptions } from "./request.ts";
export type { HeadersOption } from "./response.ts";
export { createSharedSource } from "./shared-source.ts";
export type { SharedSourceOptions } from "./shared-source.ts";
export { createSource } from "./source.ts";
export type { OwnSource, SourceOptions } from "./source.ts";
export type { ChannelLike } from "./tabs.ts";
export type { Block, Transport, TransportHandlers } from "./transport.ts";
export type { WireEvent, WireNews } from "./wire.ts";
