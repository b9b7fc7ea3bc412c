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

describe("what fails to come in order", () => {
  it("is read from pages before anything after it is delivered", async () => {
    server.pages.streams.set("a", { epoch: A, events: stored(5) });
    const source = server.open();
    const { heard, ns } = source.hear("a");
    await pass(10);
    server.begin("a", A, 0);
    server.event("a", 1, `${A}.1`);
    server.event("a", 4, `${A}.4`);
    expect(ns()).toEqual([1]);
    server.event("a", 5, `${A}.5`);
    server.event("a", 6, `${A}.6`);
    await pass(1);
    expect(ns()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(server.pages.asked).toEqual([`/v1/streams/a?after=${A}.1`]);
    expect(source.counts).toMatchObject({ gaps: 1, doubles: 0 });
    expect(heard.filter(({ type }) => type === "reset")).toEqual([]);
  });

  it("is read from pages as soon as the network is back", async () => {
    server.pages.streams.set("a", { epoch: A, events: stored(3) });
    server.pages.failures = 3;
    const { ns } = server.open().hear("a");
    await pass(10);
    server.begin("a", A, 0);
    server.event("a", 3, `${A}.3`);
    await pass(100);
    expect(ns()).toEqual([]);
    await pass(2_000);
    expect(ns()).toEqual([1, 2, 3]);
  });

  it("is begun again with the next sign of life where the network stayed away", async () => {
    server.pages.streams.set("a", { epoch: A, events: stored(3) });
    server.pages.failures = 1_000;
    const { ns } = server.open().hear("a");
    await pass(10);
    server.begin("a", A, 0);
    server.event("a", 3, `${A}.3`);
    for (let pings = 0; pings < 10; pings++) {
      await pass(15_000);
      server.transport.last.say("ping", {}, `${A}.3`);
    }
    server.pages.failures = 0;
    server.event("a", 4, `${A}.4`);
    await pass(1);
    expect(ns()).toEqual([1, 2, 3, 4]);
  });

  it("is begun again with a new connection where the network stayed away", async () => {
    server.pages.streams.set("a", { epoch: A, events: stored(3) });
    server.pages.failures = 1_000;
    const { ns } = server.open().hear("a");
    await pass(10);
    server.begin("a", A, 0);
    server.event("a", 3, `${A}.3`);
    for (let pings = 0; pings < 10; pings++) {
      await pass(15_000);
      server.transport.last.say("ping", {}, `${A}.3`);
    }
    server.pages.failures = 0;
    server.transport.last.onFailed({});
    await pass(500);
    expect(ns()).toEqual([]);
    server.begin("a", A, 3);
    await pass(1);
    expect(ns()).toEqual([1, 2, 3]);
  });

  it("does not move back where the next connection begins", async () => {
    server.open().hear("a", `${A}.5`);
    await pass(10);
    server.begin("a", A, 5);
    server.event("a", 2, `${A}.2`);
    server.transport.last.onFailed({});
    await pass(500);
    expect(server.transport.last.cursors).toEqual([`${A}.5`]);
  });

  it("is asked for once, where the server does not know it", async () => {
    server.pages.streams.set("a", { epoch: A, events: stored(2) });
    const { ns } = server.open().hear("a", `${A}.2`);
    await pass(10);
    server.begin("a", A, 2);
    server.event("a", 9, `${A}.9`);
    server.event("a", 1, `${B}.1`);
    await pass(100);
    expect(ns()).toEqual([]);
    expect(server.pages.asked.length).toBeLessThanOrEqual(2);
    server.event("a", 3, `${A}.3`);
    await pass(1);
    expect(ns()).toEqual([3]);
  });

  it("is dropped if it was had, and repaired if it was had in part", async () => {
    server.pages.streams.set("chats/c", { epoch: A, events: stored(6) });
    const source = server.open();
    const { ns } = source.hear("chats/c", `${A}.2`, "chat");
    await pass(10);
    server.begin("chats/c", A, 2);
    server.event("chats/c", 2, `${A}.2`);
    server.event("chats/c", 4, `${A}.4`, { span: 2 });
    server.event("chats/c", 6, `${A}.6`, { span: 4 });
    await pass(1);
    expect(ns()).toEqual([4, 5, 6]);
    expect(source.counts).toMatchObject({ gaps: 0, doubles: 2 });
  });

  it("is no hole on a state stream", async () => {
    const source = server.open();
    const { ns } = source.hear("s", undefined, "state");
    await pass(10);
    server.begin("s", A, 0);
    server.event("s", 3, `${A}.3`);
    server.event("s", 9, `${A}.9`);
    expect(ns()).toEqual([3, 9]);
    expect(source.counts.gaps).toBe(0);
  });

  it("opens the connection anew where what came is damaged", async () => {
    server.open().hear("a");
    await pass(10);
    server.begin("a", A, 0);
    server.transport.last.onBlock({ data: '{"stream":"a"', id: `${A}.1` });
    await pass(500);
    expect(server.transport.attempts).toHaveLength(2);
  });

  it("asks the server before it joins another epoch to its own", async () => {
    server.pages.streams.set("a", { epoch: B, events: stored(3) });
    const { heard, ns } = server.open().hear("a", `${A}.2`);
    await pass(10);
    server.begin("a", A, 2);
    server.event("a", 3, `${B}.3`);
    await pass(1);
    expect(heard[0]).toEqual({ type: "reset", reason: "unknown-epoch" });
    expect(ns()).toEqual([1, 2, 3]);
  });
});

describe("a reset", () => {
  it("is delivered, and the stream goes on from where it says", async () => {
    const source = server.open();
    const { heard, ns } = source.hear("a", `${A}.9`);
    await pass(10);
    server.begin("a", B, 0);
    server.transport.last.say(
      "stream-reset",
      { stream: "a", reason: "unknown-epoch", from: `${B}.0` },
      `${B}.0`,
    );
    server.event("a", 1, `${B}.1`);
    expect(heard[0]).toEqual({ type: "reset", reason: "unknown-epoch", from: `${B}.0` });
    expect(ns()).toEqual([1]);
    expect(source.counts.gaps).toBe(0);
    server.transport.last.onFailed({});
    await pass(500);
    expect(server.transport.last.cursors).toEqual([`${B}.1`]);
  });

  it("ends a repair that is under way", async () => {
    server.pages.streams.set("a", { epoch: A, events: [{ n: 1 }, { n: 2 }, { n: 3 }] });
    const { heard } = server.open().hear("a", `${A}.1`);
    await pass(10);
    server.begin("a", A, 1);
    server.event("a", 3, `${A}.3`);
    server.transport.last.say("stream-reset", { stream: "a", reason: "trimmed", from: `${A}.7` }, `${A}.7`);
    server.event("a", 8, `${A}.8`);
    await pass(100);
    expect(heard.map(({ type }) => type)).toEqual(["reset", "event"]);
  });
});
