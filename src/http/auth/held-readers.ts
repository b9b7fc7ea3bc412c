import { encodeSse } from "../../protocol/sse-encode.ts";
import type { OpenReader } from "../../hub/readers.ts";
import type { Access } from "./access.ts";

/** Readers whose right to read may end before they do. */
export interface HeldReaders {
  hold(access: Access, reader: OpenReader): () => void;
  /** Looks at all: at those whose credential is void now, too. */
  look(): void;
  close(): void;
}

export interface HeldReadersOptions {
  isValid: (credential: string) => boolean;
  now: () => number;
}

/** A right ends at its second. */
const LOOK_MS = 1_000;
/** The reader may come back at once: it is not the server that is tired. */
const RETRY_MS = 250;

/** Closes readers when their right to read ends. One clock for all: what a reader costs is a place in a set. */
export function createHeldReaders({ isValid, now }: HeldReadersOptions): HeldReaders {
  const held = new Map<OpenReader, Access>();
  let clock: ReturnType<typeof setInterval> | undefined;

  function look(): void {
    const at = now();
    for (const [reader, { principal, credential }] of held) {
      const isOver = principal.expiresAt !== undefined && principal.expiresAt <= at;
      const isRevoked = credential !== undefined && !isValid(credential);
      if (!isOver && !isRevoked) continue;
      held.delete(reader);
      reader.close(expiredBlock(isRevoked ? "revoked" : "expired"));
    }
    if (held.size === 0) stop();
  }

  function stop(): void {
    clearInterval(clock);
    clock = undefined;
  }

  return {
    hold(access, reader) {
      held.set(reader, access);
      clock ??= unref(setInterval(look, LOOK_MS));
      return () => held.delete(reader);
    },
    look,
    close: stop,
  };
}

function expiredBlock(reason: "expired" | "revoked"): string {
  return encodeSse({ retry: RETRY_MS, event: "auth-expired", data: JSON.stringify({ reason }) });
}

function unref(timer: ReturnType<typeof setInterval>): ReturnType<typeof setInterval> {
  // Where timers are numbers, nothing waits for them.
  if (typeof timer === "object") timer.unref();
  return timer;
}
