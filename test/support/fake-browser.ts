import type { Delivery, Source } from "../../src/client/delivery.ts";
import { createSharedSource } from "../../src/client/shared-source.ts";
import type { StreamKind } from "../../src/protocol/event.ts";
import { FakeLocks, createFakeChannels } from "./fake-tabs.ts";
import { FakePages, FakeTransport } from "./fake-transport.ts";
import { numbers } from "./source-server.ts";

export const EPOCH = "aaaaaaaa";

/** A browser with tabs, which a server of one log serves. */
export function startBrowser() {
  const locks = new FakeLocks();
  const { Channel, network } = createFakeChannels();
  const pages = new FakePages();
  const events: Record<string, unknown>[] = [];
  pages.streams.set("a", { epoch: EPOCH, events });
  const tabs: { source: Source; transport: FakeTransport; say: (n: number, more?: object) => void }[] = [];
  let random = 0.5;

  function openTab(isVisible = true) {
    const transport = new FakeTransport();
    const window = new EventTarget();
    const document = Object.assign(new EventTarget(), {
      visibilityState: isVisible ? "visible" : "hidden",
    });
    const channels: InstanceType<typeof Channel>[] = [];
    class TabChannel extends Channel {
      constructor(name: string) {
        super(name);
        channels.push(this);
      }
    }
    random += 0.001;
    const own = random;
    const source = createSharedSource({
      url: "",
      transport,
      fetch: pages.fetch,
      random: () => own,
      window,
      document,
      locks,
      BroadcastChannel: TabChannel,
    });
    const tab = {
      transport,
      source,
      window,
      document,
      channels,
      get leads() {
        return transport.living().length > 0;
      },
      hear(stream = "a", after?: string, kind: StreamKind = "log") {
        const heard: Delivery[] = [];
        const stop = source.follow(stream, { kind, after, onDelivery: (delivery) => heard.push(delivery) });
        const ns = () => numbers(heard);
        return { heard, stop, ns };
      },
      /** The server lets the connection of this tab in. */
      accept() {
        const { cursors, streams } = transport.last;
        const from = cursors[0] ?? `${EPOCH}.0`;
        transport.last.onOpen();
        transport.last.say("stream-start", { stream: streams[0], status: "resumed", from }, from);
        for (let n = Number(from.split(".")[1]) + 1; n <= events.length; n++) tab.say(n);
        const head = `${EPOCH}.${events.length}`;
        transport.last.say("stream-caught-up", { stream: streams[0], cursor: head }, head);
      },
      say(n: number, more: object = {}) {
        transport.last.say(undefined, { stream: "a", event: { n, ...more } }, `${EPOCH}.${n}`);
      },
    };
    tabs.push(tab);
    return tab;
  }

  return {
    locks,
    network,
    pages,
    tabs,
    openTab,
    /** Appends an event; whoever leads hears it. */
    append(more: object = {}) {
      events.push({ n: events.length + 1, ...more });
      for (const { transport, say } of tabs) if (transport.living().length > 0) say(events.length, more);
    },
    living: () => tabs.flatMap(({ transport }) => transport.living()),
  };
}
