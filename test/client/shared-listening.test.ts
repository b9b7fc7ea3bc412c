// It is loaded when it is first needed; with a clock that is held, that would be never.
import "../../src/client/leases.ts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Told } from "../../src/client/index.ts";
import { startBrowser } from "../support/fake-browser.ts";
import { pass } from "../support/source-server.ts";

let browser: ReturnType<typeof startBrowser>;
beforeEach(() => {
  vi.useFakeTimers();
  browser = startBrowser();
});
afterEach(() => {
  for (const { source } of browser.tabs) source.close();
  vi.useRealTimers();
});

type Tab = ReturnType<typeof browser.openTab>;

function hear({ source }: Tab, stream = "desk"): { told: Told[]; stop: () => void } {
  const told: Told[] = [];
  return { told, stop: source.listen(stream, (one) => told.push(one)) };
}

/** What the one connection that there is asked for. */
function asked(): URLSearchParams {
  const living = browser.living();
  expect(living).toHaveLength(1);
  return living[0]?.url.searchParams ?? new URLSearchParams();
}

function tell(kind: string): void {
  browser.living()[0]?.say("signal", { stream: "desk", kind });
}

const posts = () => browser.pages.asked.filter((path) => path === "/v1/presence/desk");
const kinds = (told: readonly Told[]) => told.map(({ data }) => data["kind"]);

test("what one tab listens to comes over the connection of the tab that leads, to all who listen", async () => {
  const leader = browser.openTab();
  await pass(100);
  const follower = browser.openTab();
  const quiet = browser.openTab();
  await pass(100);
  const one = hear(follower);
  await pass(100);
  expect(asked().getAll("listen")).toEqual(["desk"]);
  const other = hear(leader);
  await pass(100);
  tell("typing");
  await pass(0);
  expect([kinds(one.told), kinds(other.told)]).toEqual([["typing"], ["typing"]]);
  expect(quiet.leads || follower.leads).toBe(false);
  one.stop();
  await pass(100);
  tell("again");
  await pass(0);
  expect([kinds(one.told), kinds(other.told)]).toEqual([["typing"], ["typing", "again"]]);
  other.stop();
  await pass(100);
  expect(browser.living()).toEqual([]);
});

test("a tab that takes the lead listens for itself and for the others", async () => {
  const leader = browser.openTab();
  await pass(100);
  const heir = browser.openTab();
  await pass(100);
  const third = browser.openTab();
  await pass(100);
  const ofHeir = hear(heir);
  const ofThird = hear(third);
  hear(third, "of the third alone");
  await pass(100);
  leader.source.close();
  await pass(2_000);
  expect(asked().getAll("listen")).toEqual(["desk", "of the third alone"]);
  tell("typing");
  await pass(0);
  expect([kinds(ofHeir.told), kinds(ofThird.told)]).toEqual([["typing"], ["typing"]]);
});

test("all tabs of a browser are present as one, until the last of them leaves", async () => {
  const leader = browser.openTab();
  await pass(100);
  const follower = browser.openTab();
  await pass(100);
  const stopOne = follower.source.attend({ stream: "desk" });
  const stopOther = leader.source.attend({ stream: "desk" });
  await pass(100);
  expect(posts()).toHaveLength(1);
  stopOne();
  await pass(5_000);
  expect(posts()).toHaveLength(1);
  stopOther();
  await pass(2_000);
  expect(posts()).toHaveLength(2);
});
