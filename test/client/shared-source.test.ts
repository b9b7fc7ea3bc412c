import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createSharedSource } from "../../src/client/shared-source.ts";
import type { TabMessage } from "../../src/client/tabs.ts";
import { EPOCH, startBrowser } from "../support/fake-browser.ts";
import { createFakeChannels } from "../support/fake-tabs.ts";
import { FakeTransport } from "../support/fake-transport.ts";
import { pass } from "../support/source-server.ts";

let browser: ReturnType<typeof startBrowser>;
beforeEach(() => {
  vi.useFakeTimers();
  browser = startBrowser();
});
afterEach(() => {
  for (const tab of browser.tabs) tab.source.close();
  expect(browser.living()).toHaveLength(0);
  expect(vi.getTimerCount()).toBe(0);
  expect(browser.network.open.size).toBe(0);
  vi.useRealTimers();
});

/** Three tabs that hear the same stream; the first leads. */
async function openThree() {
  const tabs = [browser.openTab(), browser.openTab(), browser.openTab()] as const;
  await pass(0);
  const heard = tabs.map((tab) => tab.hear());
  await pass(10);
  tabs[0].accept();
  await pass(10);
  return { tabs, heard, ns: () => heard.map(({ ns }) => ns()) };
}

const upTo = (count: number) => Array.from({ length: count }, (_, n) => n + 1);
const all = (count: number) => [upTo(count), upTo(count), upTo(count)];

describe("a shared source", () => {
  it("has one connection for all tabs, and each hears everything once", async () => {
    browser.pages.streams.get("a")?.events.push({ n: 1 }, { n: 2 });
    const { tabs, ns, heard } = await openThree();
    for (let times = 0; times < 5; times++) browser.append();
    await pass(1);
    expect(ns()).toEqual(all(7));
    expect(tabs.map(({ leads }) => leads)).toEqual([true, false, false]);
    expect(tabs.map(({ source }) => source.connection.status)).toEqual(["open", "open", "open"]);
    expect(heard[1]?.heard.at(-1)).toMatchObject({ isReplay: false });
    expect(tabs.map(({ source }) => source.counts.gaps)).toEqual([0, 0, 0]);
  });

  it("follows for the others what its own tab does not, and stops when nobody does", async () => {
    const leader = browser.openTab();
    const other = browser.openTab();
    await pass(0);
    const { ns, stop } = other.hear();
    await pass(20);
    expect(leader.transport.last.streams).toEqual(["a"]);
    leader.accept();
    browser.append();
    await pass(1);
    expect(ns()).toEqual([1]);
    stop();
    await pass(20);
    expect(browser.living()).toHaveLength(0);
    expect(leader.source.connection.status).toBe("idle");
  });

  it("reads no pages for a browser with one tab", async () => {
    const tab = browser.openTab();
    const { ns } = tab.hear();
    await pass(10);
    tab.accept();
    browser.append();
    expect(ns()).toEqual([1]);
    expect(browser.pages.asked).toEqual([]);
  });

  it("tells an ended stream to all, and asks for it no more", async () => {
    const { tabs, heard } = await openThree();
    browser.append();
    tabs[0].transport.last.say("stream-end", { stream: "a", reason: "closed" });
    await pass(100);
    tabs[0].source.close();
    await pass(100);
    for (const { heard: one } of heard) {
      expect(one.filter(({ type }) => type === "end")).toEqual([{ type: "end", reason: "closed" }]);
      expect(one.at(-1)?.type).toBe("end");
    }
    expect(tabs.map(({ transport }) => transport.attempts.length)).toEqual([1, 0, 0]);
  });

  it("passes a person's wish to try again on to the leader", async () => {
    const { tabs } = await openThree();
    tabs[0].transport.last.onFailed({ status: 401 });
    await pass(1);
    expect(tabs[2].source.connection).toMatchObject({ status: "refused", error: { status: 401 } });
    tabs[2].source.retry();
    await pass(1);
    expect(tabs[0].leads).toBe(true);
  });
});

describe("when the leader", () => {
  it("is closed, another leads at once, from where it stands", async () => {
    const { tabs, ns } = await openThree();
    browser.append();
    await pass(1);
    tabs[0].source.close();
    await pass(20);
    expect(tabs.map(({ leads }) => leads)).toEqual([false, true, false]);
    expect(tabs[1].transport.last.cursors).toEqual([`${EPOCH}.1`]);
    browser.pages.streams.get("a")?.events.push({ n: 2 });
    tabs[1].accept();
    browser.append();
    await pass(1);
    expect(ns()).toEqual([[1], upTo(3), upTo(3)]);
  });

  it.each(["freeze", "pagehide"])(
    "sleeps with %s, it holds nothing, another leads, and it catches up",
    async (event) => {
      const { tabs, ns } = await openThree();
      browser.append();
      await pass(1);
      (event === "freeze" ? tabs[0].document : tabs[0].window).dispatchEvent(new Event(event));
      expect(browser.living()).toHaveLength(0);
      expect(browser.network.open.size).toBe(2);
      await pass(20);
      expect(browser.locks.count).toBe(4);
      tabs[1].accept();
      browser.append();
      browser.append();
      await pass(1);
      expect(ns()).toEqual([upTo(1), upTo(3), upTo(3)]);
      if (event === "freeze") tabs[0].document.dispatchEvent(new Event("resume"));
      else tabs[0].window.dispatchEvent(new Event("pageshow"));
      await pass(20);
      expect(ns()).toEqual(all(3));
      browser.append();
      await pass(1);
      expect(ns()).toEqual(all(4));
      expect(browser.living()).toHaveLength(1);
    },
  );

  it("does not answer, a visible tab takes the lead within two seconds, and the robbed one follows", async () => {
    const { tabs, ns } = await openThree();
    const [channel] = tabs[0].channels;
    if (channel === undefined) throw new Error("the leader has a channel");
    channel.isFrozen = true;
    await pass(1_600);
    const robbers = tabs.filter(({ leads }) => leads);
    expect(robbers).toHaveLength(1);
    expect(robbers[0]).not.toBe(tabs[0]);
    robbers[0]?.accept();
    browser.append();
    channel.isFrozen = false;
    await pass(1_100);
    browser.append();
    await pass(10);
    expect(ns()).toEqual(all(2));
    expect(browser.living()).toHaveLength(1);
    robbers[0]?.source.close();
    await pass(20);
    expect(browser.living()).toHaveLength(1);
  });

  it("does not answer, one of all who lost patience at once takes the lead, though they hear nothing of each other", async () => {
    const { tabs } = await openThree();
    for (const { channels } of tabs) for (const channel of channels) channel.isFrozen = true;
    // Both asked in this second, and both wait for the same answer.
    await pass(1_600);
    expect(browser.locks.steals).toBe(1);
    expect(browser.living()).toHaveLength(1);
  });

  it("does not answer, no hidden tab takes the lead", async () => {
    const leader = browser.openTab();
    leader.hear();
    const hidden = browser.openTab(false);
    hidden.hear();
    await pass(20);
    for (const channel of leader.channels) channel.isFrozen = true;
    browser.openTab(false).hear();
    await pass(10_000);
    expect(browser.living()).toHaveLength(1);
    expect(leader.leads).toBe(true);
    hidden.document.visibilityState = "visible";
    hidden.document.dispatchEvent(new Event("visibilitychange"));
    await pass(510);
    expect([leader.leads, hidden.leads]).toEqual([false, true]);
  });

  it("answers, nobody takes the lead", async () => {
    const { tabs, ns } = await openThree();
    await pass(30_000);
    browser.append();
    await pass(1);
    expect(ns()).toEqual(all(1));
    expect(tabs.map(({ leads }) => leads)).toEqual([true, false, false]);
    expect(tabs[0].transport.attempts).toHaveLength(1);
  });

  it("is hidden and its timers are slow, a question of another tab sets it going", async () => {
    const { tabs } = await openThree();
    tabs[0].transport.last.onFailed({});
    expect(browser.living()).toHaveLength(0);
    vi.setSystemTime(Date.now() + 5_000);
    tabs[1].document.dispatchEvent(new Event("visibilitychange"));
    await pass(1);
    expect(tabs[0].leads).toBe(true);
  });

  it("answers a tab that itself slept, that one does not take the lead", async () => {
    const { tabs } = await openThree();
    tabs[2].document.visibilityState = "hidden";
    browser.network.passes = ({ type }) => type !== "here";
    tabs[1].document.dispatchEvent(new Event("visibilitychange"));
    vi.setSystemTime(Date.now() + 5_000);
    await pass(500);
    browser.network.passes = () => true;
    await pass(1_500);
    expect(tabs.map(({ leads }) => leads)).toEqual([true, false, false]);
  });

  it("is a tab that is closed before it is elected, nothing is left of it", async () => {
    const tab = browser.openTab();
    tab.hear();
    tab.source.close();
    await pass(100);
    expect(tab.transport.attempts).toHaveLength(0);
    expect(browser.locks.count).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("has a tab that died without a word, it follows no longer for it", async () => {
    const leader = browser.openTab();
    const dead = browser.openTab(false);
    await pass(0);
    dead.hear();
    await pass(20);
    expect(leader.leads).toBe(true);
    dead.channels[0]?.close();
    const { held } = await browser.locks.query();
    const lifeOfDead = held.findLast(({ name }) => name.includes(" tab "))?.name;
    browser.locks.release((name) => name === lifeOfDead);
    await pass(10_100);
    expect(leader.leads).toBe(false);
  });
});

describe("a tab that only follows", () => {
  it("repairs by itself what the channel lost", async () => {
    const { ns } = await openThree();
    browser.append();
    await pass(1);
    browser.network.passes = () => false;
    browser.append();
    browser.append();
    await pass(1);
    browser.network.passes = () => true;
    browser.append();
    await pass(10);
    expect(ns()).toEqual(all(4));
  });

  it("is not disturbed by merged deltas that overlap what it has", async () => {
    const leader = browser.openTab();
    await pass(0);
    const events = browser.pages.streams.get("a")?.events ?? [];
    events.push({ n: 1 }, { n: 2 });
    const other = browser.openTab();
    await pass(0);
    const heard = other.hear("a", undefined, "chat");
    await pass(20);
    expect(heard.ns()).toEqual([1, 2]);
    leader.accept();
    events.push({ n: 3 }, { n: 4 });
    leader.say(4, { span: 3 });
    await pass(10);
    // The leader itself read pages, since it had two of the three already.
    expect(heard.ns()).toEqual([1, 2, 3, 4]);
    const overlap: TabMessage = {
      type: "delivery",
      stream: "a",
      delivery: { type: "event", cursor: `${EPOCH}.6`, event: { n: "3 to 6", span: 4 }, isReplay: false },
      at: `${EPOCH}.6`,
    };
    events.push({ n: 5 }, { n: 6 });
    leader.channels[0]?.postMessage(overlap);
    await pass(10);
    expect(heard.ns()).toEqual(upTo(6));
    expect(browser.living()).toHaveLength(1);
  });

  it("sees an end whose last events the channel lost only after them", async () => {
    const { tabs, heard } = await openThree();
    browser.network.passes = ({ type }) => type !== "delivery";
    browser.append();
    await pass(1);
    browser.network.passes = () => true;
    const stream = browser.pages.streams.get("a");
    if (stream) stream.isClosed = true;
    tabs[0].transport.last.say("stream-end", { stream: "a", reason: "closed" });
    await pass(10);
    for (const { heard: one } of heard)
      expect(one.filter(({ type }) => type !== "caught-up").map(({ type }) => type)).toEqual([
        "event",
        "end",
      ]);
  });
});

describe("without locks or channels", () => {
  it("is a source of its own", async () => {
    const transport = new FakeTransport();
    const { Channel } = createFakeChannels();
    const source = createSharedSource({
      url: "",
      transport,
      BroadcastChannel: Channel,
      window: new EventTarget(),
    });
    const { tabs } = browser;
    expect(tabs).toEqual([]);
    source.follow("a", { kind: "log", onDelivery: () => undefined });
    await pass(10);
    expect(transport.living()).toHaveLength(1);
    source.close();
    expect(transport.living()).toHaveLength(0);
  });
});
