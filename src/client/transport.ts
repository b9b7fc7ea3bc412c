import type { Failure } from "./connection-state.ts";

/** One block of an event stream as it came. */
export interface Block {
  event?: string | undefined;
  id?: string | undefined;
  data: string;
}

/** What a transport tells. After `onFailed` or `onEnded` nothing more comes. */
export interface TransportHandlers {
  onOpen(): void;
  onBlock(block: Block): void;
  /** The server named the wait before the next try, in milliseconds. */
  onRetry(retryMs: number): void;
  /** It broke: refused, cut, aborted by somebody else. */
  onFailed(failure: Failure): void;
  /** The body ended in good order. `isFinal`: with 204, the server's word that nothing more comes. */
  onEnded(isFinal: boolean): void;
}

/** One attempt at an event stream; when to try again is not its business. */
export interface Transport {
  /** Returns what closes it; after that no handler is called. */
  open(url: string, handlers: TransportHandlers): () => void;
}
