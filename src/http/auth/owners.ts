import type { Chats } from "../../chat/chats.ts";
import type { Log } from "../../log/log.ts";
import type { MessageStart } from "../../protocol/event.ts";
import { runStream } from "../../protocol/names.ts";
import { EVERYBODY } from "./access.ts";
import type { Owners } from "./access.ts";

/** Runs whose owner is remembered: it never changes. */
const MAX_KEPT = 10_000;
const NAME = /^[A-Za-z0-9._~-]{1,64}$/;

/** Finds out whose a chat or a run is, by what the log says of it. */
export function createOwners(log: Log, chats: Pick<Chats, "ownerOf">): Owners {
  const runs = new Map<string, string>();
  return {
    chat: (chat) => chats.ownerOf(chat),
    async run(run) {
      const known = runs.get(run);
      if (known !== undefined || !NAME.test(run)) return known;
      const page = await log.read(runStream(run), 0, { maxEntries: 1 });
      const first = page.status === "page" ? page.entries[0] : undefined;
      if (first === undefined) return undefined;
      const { owner = EVERYBODY.id } = JSON.parse(first.data) as MessageStart; // a run begins with its start
      for (const oldest of runs.keys()) if (runs.size >= MAX_KEPT) runs.delete(oldest);
      runs.set(run, owner);
      return owner;
    },
  };
}
