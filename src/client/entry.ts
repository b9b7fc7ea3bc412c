import type { StreamKind } from "../protocol/event.ts";
import type { Delivery } from "./delivery.ts";
import type { Follower } from "./follower.ts";

/** A stream that is followed over a connection, whoever follows it. */
export interface Entry {
  readonly stream: string;
  readonly kind: StreamKind;
  /** The last cursor that came over the connection: after it the next one asks. */
  cursor: string | undefined;
  isLive: boolean;
  readonly followers: Set<Follower>;
}

/** What is said when a follower has what the connection brought. */
export function caughtUp({ cursor }: { cursor: string | undefined }): Delivery {
  return { type: "caught-up", ...(cursor !== undefined && { cursor }) };
}
