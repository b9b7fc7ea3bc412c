import { expect, test } from "vitest";
import { pathTo, readPlace } from "../../../../web/live/support/place.ts";
import { unreadOf, withRead } from "../../../../web/live/support/reading.ts";
import type { Reading } from "../../../../web/live/support/reading.ts";
import { readTicket } from "../../../../web/live/support/ticket.ts";
import type { Ticket } from "../../../../web/live/support/ticket.ts";
import { sayTyping } from "../../../../web/live/support/typing-line.tsx";
import { countUnread } from "../../../../web/live/support/use-tickets.ts";

function ticket(members: object): Ticket {
  const read = readTicket({ key: "t1", ...members });
  if (read === undefined) throw new Error("it is no ticket");
  return read;
}

const asked = ticket({
  messages: { customer: 3, agent: 1 },
  last: { from: "customer", text: "?", count: 2 },
});

test("unread is what the other side wrote, nobody has answered and this browser has not shown", () => {
  expect(unreadOf({}, "agent", "s", asked)).toBe(2);
  expect(unreadOf({}, "customer", "s", asked)).toBe(0);
  const read = withRead({}, "agent", "s", 2);
  expect(unreadOf(read, "agent", "s", asked)).toBe(1);
  expect(unreadOf(withRead(read, "agent", "s", 3), "agent", "s", asked)).toBe(0);
  // Of another ticket, or read as a customer, it is something else.
  expect(unreadOf(withRead({}, "agent", "other", 3), "agent", "s", asked)).toBe(2);
  expect(unreadOf({}, "agent", "s", { ...asked, status: "closed" })).toBe(0);
  const answered = ticket({
    messages: { customer: 1, agent: 2 },
    last: { from: "agent", text: "!", count: 1 },
  });
  expect(unreadOf({}, "customer", "s", answered)).toBe(1);
  expect(unreadOf({}, "customer", "s", { ...answered, status: "closed" })).toBe(1);
});

test("counts of several lists are one, without the ticket that is being read", () => {
  const lists = [
    { list: "a", tickets: [asked, { ...asked, key: "t2" }] },
    { list: "b", tickets: [asked] },
  ];
  expect(countUnread(lists, "agent", {}, undefined)).toBe(6);
  expect(countUnread(lists, "agent", withRead({}, "agent", "b/t1", 3), { list: "a", key: "t1" })).toBe(2);
});

test("what is read is remembered of 500 tickets, and the same where nothing is new", () => {
  let reading: Reading = {};
  for (let n = 0; n < 600; n++) reading = withRead(reading, "agent", `s${n}`, n + 1);
  expect(Object.keys(reading)).toHaveLength(500);
  expect(reading["agent s599"]).toBe(600);
  expect(withRead(reading, "agent", "s599", 600)).toBe(reading);
});

test.each([
  [[], ""],
  [[{ role: "agent", name: "Robin" }], "Agent Robin is typing…"],
  [[{ role: "agent" }], "Agent is typing…"],
  [[undefined], "Somebody is typing…"],
  [
    [
      { role: "customer", name: "Ada" },
      { role: "agent", name: 7 },
    ],
    "Ada and Agent are typing…",
  ],
  [[{ name: "A" }, { name: "B" }, { name: "C" }], "3 are typing…"],
  [[{ name: "x".repeat(500) }], `${"x".repeat(40)} is typing…`],
])("who types is said in one line: %j", (typists, line) => {
  expect(sayTyping(typists)).toBe(line);
});

test("each side and each ticket has its address, and no other address is one", () => {
  for (const side of ["customer", "agent"] as const) {
    expect(readPlace(pathTo(side))).toEqual({ side });
    const name = { list: "support/tickets", key: "t1" };
    expect(readPlace(pathTo(side, name))).toEqual({ side, ticket: name });
  }
  const demo = { list: "demo/support/tickets", key: "demo" };
  expect(readPlace(pathTo("agent", demo))).toEqual({ side: "agent", ticket: demo });
  expect(readPlace("/live/support/desk/a/b")).toEqual({ side: "customer" });
});
