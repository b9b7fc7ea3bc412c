import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createSourceServer, pass, stored } from "../support/source-server.ts";
import type { SourceServer } from "../support/source-server.ts";

const A = "aaaaaaaa";
const B = "bbbbbbbb";

let server: SourceServer;
beforeEach(() => {
  vi.useFakeTimers();
  server = createSourceServer();
});
afterEach(() => vi.useRealTimers());

describe("a source", () => {
  it("asks for everything that is followed over one connection, and delivers to each its own", async () => {
    const source = server.open();
    const a = source.hear("a");
    const b = source.hear("b", `${B}.7`);
    await pass(10);
    expect(server.transport.attempts).toHaveLength(1);
    expect(server.transport.last.url.pathname).toBe("/v1/streams");
    expect(server.transport.last.url.searchParams.get("live")).toBe("1");
    expect(server.transport.last.streams).toEqual(["a", "b"]);
    expect(server.transport.last.cursors).toEqual([`${B}.7`]);
    server.begin("a", A, 0, `${A}.0~${B}.7`);
    server.transport.last.say(
      "stream-start",
      { stream: "b", status: "resumed", from: `${B}.7` },
      `${A}.0~${B}.7`,
    );
    server.event("a", 1, `${B}.7~${A}.1`);
    server.event("b", 8, `${A}.1~${B}.8`);
    server.transport.last.say("stream-caught-up", { stream: "a", cursor: `${A}.1` }, `${A}.1~${B}.8`);
    server.event("a", 2, `${B}.8~${A}.2`);
    expect(a.heard).toEqual([
      { type: "event", cursor: `${A}.1`, event: { n: 1 }, isReplay: true },
      { type: "caught-up", cursor: `${A}.1` },
      { type: "event", cursor: `${A}.2`, event: { n: 2 }, isReplay: false },
    ]);
    expect(b.ns()).toEqual([8]);
    expect(source.connection.status).toBe("open");
    expect(source.counts).toEqual({ gaps: 0, doubles: 0, reconnects: 0 });
    source.close();
    expect(server.transport.living()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("comes back after its own cursors, through any number of cuts", async () => {
    const source = server.open();
    const { ns } = source.hear("a");
    await pass(10);
    server.begin("a", A, 0);
    for (let n = 1; n <= 5; n++) {
      server.event("a", n, `${A}.${n}`);
      server.transport.last.onFailed({});
      expect(source.connection.status).toBe("reconnecting");
      await pass(500);
      expect(server.transport.last.cursors).toEqual([`${A}.${n}`]);
      server.begin("a", A, n);
    }
    expect(ns()).toEqual([1, 2, 3, 4, 5]);
    expect(source.counts).toEqual({ gaps: 0, doubles: 0, reconnects: 5 });
    expect(server.transport.living()).toHaveLength(1);
  });

  it("comes back when it said, though the clock was set right by ten years meanwhile", async () => {
    const source = server.open();
    source.hear("a");
    await pass(10);
    server.begin("a", A, 0);
    vi.setSystemTime(Date.now() + 10 * 365 * 86_400_000);
    server.transport.last.onFailed({});
    await pass(500);
    expect(server.transport.attempts).toHaveLength(2);
    source.close();
  });

  it("comes back after a clean end when the server said", async () => {
    server.open().hear("a");
    await pass(10);
    server.transport.last.onRetry(4_000);
    server.begin("a", A, 0);
    server.transport.last.onEnded(false);
    await pass(3_999);
    expect(server.transport.attempts).toHaveLength(1);
    await pass(1);
    expect(server.transport.attempts).toHaveLength(2);
  });

  it("notices a connection that died unseen, and hears nothing more of it", async () => {
    const { ns } = server.open().hear("a");
    await pass(10);
    server.begin("a", A, 0);
    const dead = server.transport.last;
    await pass(39_999);
    expect(server.transport.attempts).toHaveLength(1);
    await pass(1);
    expect(server.transport.attempts).toHaveLength(2);
    server.begin("a", A, 0);
    dead.say(undefined, { stream: "a", event: { n: 1 } }, `${A}.1`);
    dead.onFailed({});
    expect(ns()).toEqual([]);
    expect(dead.isClosed).toBe(true);
    expect(server.transport.living()).toHaveLength(1);
  });

  it("asks anew when what is followed changes, once for all changes of a moment, without news for the page", async () => {
    const source = server.open();
    const a = source.hear("a");
    await pass(10);
    server.begin("a", A, 0);
    const told = vi.fn();
    source.onConnection(told);
    a.stop();
    source.hear("b");
    source.hear("c", `${B}.3`);
    await pass(10);
    expect(server.transport.attempts).toHaveLength(2);
    expect(server.transport.last.streams).toEqual(["b", "c"]);
    expect(server.transport.last.cursors).toEqual([`${B}.3`]);
    server.begin("b", A, 0);
    expect(told).not.toHaveBeenCalled();
    expect(source.counts.reconnects).toBe(0);
    expect(server.transport.living()).toHaveLength(1);
  });

  it("does not ask anew for a follower that leaves and returns at once", async () => {
    const source = server.open();
    source.hear("a").stop();
    const { ns } = source.hear("a");
    await pass(50);
    server.begin("a", A, 0);
    server.event("a", 1, `${A}.1`);
    expect(server.transport.attempts).toHaveLength(1);
    expect(ns()).toEqual([1]);
    expect(server.pages.asked).toEqual([]);
  });

  it("tells a later follower at the same cursor at once that it has everything", async () => {
    const source = server.open();
    source.hear("a", `${A}.3`);
    await pass(10);
    server.begin("a", A, 3);
    server.transport.last.say("stream-caught-up", { stream: "a", cursor: `${A}.3` }, `${A}.3`);
    const { heard } = source.hear("a", `${A}.3`);
    expect(heard).toEqual([{ type: "caught-up", cursor: `${A}.3` }]);
    await pass(10);
    expect(server.pages.asked).toEqual([]);
  });

  it("says of what it missed that it is a replay", async () => {
    const { heard } = server.open().hear("a");
    await pass(10);
    server.begin("a", A, 0);
    server.transport.last.say("stream-caught-up", { stream: "a", cursor: `${A}.0` }, `${A}.0`);
    server.event("a", 1, `${A}.1`);
    server.transport.last.onFailed({});
    await pass(500);
    server.begin("a", A, 1);
    server.event("a", 2, `${A}.2`);
    expect(heard).toMatchObject([{ type: "caught-up" }, { isReplay: false }, { isReplay: true }]);
  });

  it("spreads more than 32 streams over further connections, and goes idle when nothing is followed", async () => {
    const source = server.open();
    const all = Array.from({ length: 70 }, (_, index) => source.hear(`s${index}`));
    await pass(10);
    expect(server.transport.attempts.map(({ streams }) => streams.length)).toEqual([32, 32, 6]);
    for (const { stop } of all) stop();
    await pass(10);
    expect(server.transport.living()).toEqual([]);
    expect(source.connection.status).toBe("idle");
  });

  it("gives a later follower what came before it from pages, and both what comes", async () => {
    server.pages.streams.set("a", { epoch: A, events: stored(250) });
    const source = server.open();
    const first = source.hear("a", `${A}.250`);
    await pass(10);
    server.begin("a", A, 250);
    const second = source.hear("a", `${A}.10`);
    server.event("a", 251, `${A}.251`);
    await pass(10);
    server.event("a", 252, `${A}.252`);
    expect(first.ns()).toEqual([251, 252]);
    expect(second.ns()).toEqual(Array.from({ length: 242 }, (_, n) => n + 11));
    expect(server.pages.asked).toHaveLength(3);
    expect(server.transport.attempts).toHaveLength(1);
  });
});

describe("an end", () => {
  it("of one stream leaves the others where they are", async () => {
    const source = server.open();
    const a = source.hear("a");
    const b = source.hear("b");
    await pass(10);
    server.begin("a", A, 0);
    server.end("a", "deleted");
    await pass(100);
    expect(a.heard).toEqual([{ type: "end", reason: "deleted" }]);
    expect(server.transport.attempts).toHaveLength(1);
    server.event("b", 1, `${B}.1`);
    expect(b.ns()).toEqual([1]);
    server.transport.last.onFailed({});
    await pass(500);
    expect(server.transport.last.streams).toEqual(["b"]);
    server.end("b", "closed");
    expect(source.connection.status).toBe("idle");
    await pass(1e6);
    expect(server.transport.living()).toEqual([]);
    expect(server.transport.attempts).toHaveLength(2);
  });

  it("is what 204 says for all, but not for what was followed since", async () => {
    const source = server.open();
    const a = source.hear("a");
    await pass(10);
    source.hear("b");
    server.transport.last.onEnded(true);
    expect(a.heard).toEqual([{ type: "end", reason: "closed" }]);
    await pass(10);
    expect(server.transport.last.streams).toEqual(["b"]);
    expect(server.transport.living()).toHaveLength(1);
  });

  it("can be read again by who follows the stream again", async () => {
    const source = server.open();
    source.hear("a");
    await pass(10);
    server.begin("a", A, 0);
    server.end("a", "closed");
    const again = source.hear("a");
    await pass(10);
    server.begin("a", A, 0);
    server.event("a", 1, `${A}.1`);
    server.end("a", "closed");
    expect(again.heard.map(({ type }) => type)).toEqual(["event", "end"]);
  });
});

describe("the connection as a page sees it", () => {
  it("stops at 401, says so, and tries again when a person wants it", async () => {
    const source = server.open();
    source.hear("a");
    const told = vi.fn();
    source.onConnection(told);
    await pass(10);
    expect(source.connection.status).toBe("connecting");
    server.transport.last.onFailed({ status: 401 });
    expect(source.connection).toMatchObject({ status: "refused", error: { status: 401 } });
    expect(source.connection).toBe(source.connection);
    await pass(1e7);
    expect(server.transport.attempts).toHaveLength(1);
    source.retry();
    expect(server.transport.attempts).toHaveLength(2);
    expect(told).toHaveBeenCalledTimes(3);
  });

  it("sleeps and wakes with the page", async () => {
    const window = new EventTarget();
    const document = Object.assign(new EventTarget(), { visibilityState: "visible" });
    const source = server.open({ window, document });
    source.hear("a");
    await pass(10);
    server.begin("a", A, 0);
    server.event("a", 1, `${A}.1`);
    document.dispatchEvent(new Event("freeze"));
    expect(server.transport.living()).toEqual([]);
    document.dispatchEvent(new Event("resume"));
    expect(server.transport.last.cursors).toEqual([`${A}.1`]);
    server.begin("a", A, 1);
    window.dispatchEvent(new Event("pagehide"));
    expect(server.transport.living()).toEqual([]);
    window.dispatchEvent(new Event("pageshow"));
    server.begin("a", A, 1);
    await pass(30_000);
    document.visibilityState = "hidden";
    document.dispatchEvent(new Event("visibilitychange"));
    expect(server.transport.attempts).toHaveLength(3);
    document.visibilityState = "visible";
    document.dispatchEvent(new Event("visibilitychange"));
    expect(server.transport.attempts).toHaveLength(4);
    server.transport.last.onFailed({});
    window.dispatchEvent(new Event("online"));
    expect(server.transport.attempts).toHaveLength(5);
    source.close();
    window.dispatchEvent(new Event("pageshow"));
    expect(server.transport.living()).toEqual([]);
  });
});
