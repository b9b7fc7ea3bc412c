import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { viewConnection } from "../../src/client/connection-state.ts";
import type { ConnectionInput, ConnectionState } from "../../src/client/connection-state.ts";
import { backOff, createConnectionState, nextTickAt, step } from "../../src/client/connection.ts";

/** A connection whose time and chance are the test's. */
function start(random = 0.5) {
  const connection = {
    now: 1_000,
    state: createConnectionState(1_000),
    effects: [] as string[],
    say(input: ConnectionInput | ConnectionInput["type"], afterMs = 0) {
      connection.now += afterMs;
      const full: ConnectionInput = typeof input === "string" ? { type: input } : input;
      const next = step(connection.state, full, { now: connection.now, random: () => random });
      connection.state = next.state;
      if (next.effect !== undefined) connection.effects.push(next.effect);
      return connection;
    },
    get waitMs() {
      return (nextTickAt(connection.state) ?? Number.NaN) - connection.now;
    },
    get view() {
      return viewConnection(connection.state);
    },
  };
  return connection;
}

const opened = (random?: number) => start(random).say("wanted").say("opened", 10);

describe("a connection", () => {
  it("connects when it is wanted, and disconnects when it is not", () => {
    const connection = start().say("wanted");
    expect(connection.view.status).toBe("connecting");
    expect(connection.say("opened").view.status).toBe("open");
    expect(connection.say("unwanted").view.status).toBe("idle");
    expect(connection.effects).toEqual(["connect", "disconnect"]);
    expect(nextTickAt(connection.state)).toBeUndefined();
  });

  it("backs off with full jitter, doubling up to 30 seconds", () => {
    expect([0, 1, 2, 5, 6, 60].map((attempt) => backOff(attempt, () => 0.5))).toEqual([
      250, 500, 1_000, 8_000, 15_000, 15_000,
    ]);
    const connection = start().say("wanted");
    const waits = Array.from({ length: 8 }, () => {
      const { waitMs } = connection.say({ type: "failed" });
      connection.say("tick", waitMs);
      return waitMs;
    });
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
    expect(connection.view).toMatchObject({ status: "connecting", attempt: 8 });
  });

  it("comes back quickly if it had held", () => {
    expect(opened().say({ type: "failed" }, 5_000).waitMs).toBe(100);
    expect(opened().say({ type: "failed" }, 4_999).waitMs).toBe(250);
  });

  it("does not slow down while each connection brings something", () => {
    const connection = opened();
    for (let cuts = 0; cuts < 20; cuts++) {
      connection.say({ type: "received", isNew: true }, 5).say({ type: "failed" });
      expect(connection.waitMs).toBe(250);
      connection.say("tick", 250).say("opened");
    }
  });

  it("slows down while each connection brings only its first blocks", () => {
    const connection = opened();
    const waits = Array.from({ length: 4 }, () => {
      const { waitMs } = connection.say("received", 5).say({ type: "failed" });
      connection.say("tick", waitMs).say("opened");
      return waitMs;
    });
    expect(waits).toEqual([250, 500, 1_000, 2_000]);
  });

  it("never takes a clean end for done", () => {
    expect(opened().say("received").say({ type: "ended" }, 8_000).waitMs).toBe(500);
    expect(opened().say({ type: "ended", retryMs: 3_210 }, 8_000).waitMs).toBe(3_210);
    expect(opened().say({ type: "ended" }).view.status).toBe("reconnecting");
  });

  it("does not come back in a hurry to a server that lets in and shows out", () => {
    const connection = opened(0.99).say({ type: "ended" });
    for (let times = 0; times < 5; times++)
      connection.say("tick", connection.waitMs).say("opened").say({ type: "ended" });
    expect(connection.waitMs).toBeGreaterThan(10_000);
  });

  it("waits as long as the server asks, within a minute", () => {
    for (const [retryAfterMs, waitMs] of [
      [7_000, 7_000],
      [1e9, 60_000],
    ] as const)
      expect(start().say("wanted").say({ type: "failed", status: 503, retryAfterMs }).waitMs).toBe(waitMs);
  });

  it("takes 40 seconds of silence for death, a ping for life", () => {
    const connection = opened().say("received", 30_000).say("tick", 39_999);
    expect(connection.view.status).toBe("open");
    connection.say("tick", 1);
    expect(connection.view.status).toBe("reconnecting");
    expect(connection.effects).toEqual(["connect", "connect"]);
  });

  it("gives an attempt 20 seconds", () => {
    const connection = start().say("wanted").say("tick", 19_999);
    expect(connection.effects).toEqual(["connect"]);
    connection.say("tick", 1);
    expect(connection.effects).toEqual(["connect", "disconnect"]);
    expect(connection.state.status).toBe("waiting");
  });

  it.each(["online", "visible", "resumed", "retry"] as const)(
    "connects at once on %s while it waits",
    (type) => {
      const connection = start().say("wanted").say({ type: "failed" });
      expect(connection.say(type).state.status).toBe("connecting");
    },
  );

  it.each(["visible", "resumed"] as const)(
    "on %s doubts a connection that is silent for 20 seconds",
    (type) => {
      expect(opened().say(type, 19_999).effects).toEqual(["connect"]);
      expect(opened().say(type, 20_000).effects).toEqual(["connect", "connect"]);
    },
  );

  it.each([400, 401, 403, 404, 410])("stops at status %i and says so", (status) => {
    const connection = start().say("wanted").say({ type: "failed", status, code: "x", message: "No." });
    expect(connection.view).toMatchObject({
      status: "refused",
      error: { status, code: "x", message: "No." },
    });
    for (const type of ["tick", "online", "visible", "resumed"] as const) connection.say(type, 1e6);
    expect(connection.effects).toEqual(["connect", "disconnect"]);
    expect(connection.say("retry").view.status).toBe("connecting");
  });

  it.each([408, 425, 429, 500, 502, 503, undefined])("tries again after status %s", (status) => {
    expect(start().say("wanted").say({ type: "failed", status }).state.status).toBe("waiting");
  });

  it("asks for another set after a refusal, but not while signed out", () => {
    const forbidden = start().say("wanted").say({ type: "failed", status: 403 });
    expect(forbidden.say("changed").state.status).toBe("connecting");
    const signedOut = start().say("wanted").say({ type: "failed", status: 401 });
    expect(signedOut.say("changed").state.status).toBe("refused");
    expect(signedOut.view.error?.message).toContain("Sign in");
  });

  it("changes what is followed without news for the page", () => {
    const connection = opened().say("changed", 500);
    expect(connection.view).toMatchObject({ status: "open", since: 1_010 });
    expect(connection.effects).toEqual(["connect", "connect"]);
    expect(connection.say({ type: "failed" }).view.status).toBe("reconnecting");
  });

  it("holds nothing while the page sleeps, and is back when it wakes", () => {
    const connection = opened().say("suspended");
    expect(connection.effects).toEqual(["connect", "disconnect"]);
    connection.say("online").say("tick", 1e9).say("changed");
    expect(connection.state.status).toBe("suspended");
    expect(connection.say("resumed").effects.at(-1)).toBe("connect");
    expect(start().say("suspended").say("resumed").view.status).toBe("idle");
    expect(start().say("suspended").say("wanted").say("visible").state.status).toBe("connecting");
  });

  it("does not wait for hours when the clock is set back", () => {
    const connection = start().say("wanted").say({ type: "failed" });
    expect(connection.say("tick", -3_600_000).state.status).toBe("connecting");
  });

  it("says since when", () => {
    const connection = opened().say({ type: "failed" }, 90);
    expect(connection.view).toMatchObject({ status: "reconnecting", since: 1_100, attempt: 1 });
    expect(connection.say("tick", 900).say({ type: "failed" }, 5).view).toMatchObject({
      since: 1_100,
      attempt: 2,
    });
  });
});

describe("whatever a connection is told", () => {
  const plain = fc.constantFrom<ConnectionInput>(
    ...(
      [
        "wanted",
        "unwanted",
        "opened",
        "tick",
        "online",
        "visible",
        "resumed",
        "suspended",
        "changed",
        "retry",
      ] as const
    ).map((type) => ({ type })),
  );
  const input: fc.Arbitrary<ConnectionInput> = fc.oneof(
    plain,
    fc.record({ type: fc.constant("received" as const), isNew: fc.boolean() }),
    fc.record({
      type: fc.constant("failed" as const),
      status: fc.constantFrom(undefined, 401, 404, 429, 502),
      retryAfterMs: fc.integer({ min: 0, max: 1e7 }),
    }),
    fc.record({ type: fc.constant("ended" as const), retryMs: fc.option(fc.nat(1e7), { nil: undefined }) }),
  );
  const script = fc.array(fc.tuple(input, fc.nat(100_000), fc.double({ min: 0, max: 0.999, noNaN: true })));

  it("it has one connection while it says so, always something to wait for, and connects in the end", () => {
    fc.assert(
      fc.property(script, (inputs) => {
        let now = 1e9;
        let state: ConnectionState = createConnectionState(now);
        let isConnected = false;
        const say = (one: ConnectionInput, random: number) => {
          const next = step(state, one, { now, random: () => random });
          state = next.state;
          if (next.effect !== undefined) isConnected = next.effect === "connect";
          expect(isConnected).toBe(state.status === "connecting" || state.status === "open");
          const rests = ["idle", "refused", "suspended"].includes(state.status);
          expect(nextTickAt(state) === undefined).toBe(rests);
          expect((nextTickAt(state) ?? now) - now).toBeLessThanOrEqual(60_000);
        };
        for (const [one, ms, random] of inputs) {
          now += ms;
          say(one, random);
        }
        say({ type: "resumed" }, 0.5);
        say({ type: "wanted" }, 0.5);
        say({ type: "retry" }, 0.5);
        expect(isConnected).toBe(true);
        say({ type: "failed" }, 0.5);
        now = nextTickAt(state) ?? now;
        say({ type: "tick" }, 0.5);
        expect(isConnected).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
