import fc from "fast-check";
import { expect, test } from "vitest";
import { foldThread, summaryOf } from "../../../../web/live/support/thread.ts";
import type { ThreadEvent } from "../../../../web/live/support/thread.ts";
import { readTicket } from "../../../../web/live/support/ticket.ts";

const opened: ThreadEvent = {
  type: "ticket-open",
  subject: "The tap drips",
  name: "Ada",
  text: "Since Monday.",
  at: 1,
};
const reply = (from: "customer" | "agent", text: string): ThreadEvent => ({
  type: "ticket-reply",
  from,
  name: from === "agent" ? "Robin" : "Ada",
  text,
  at: 2,
});
const fold = (...events: object[]) =>
  foldThread(events.map((event, index) => ({ cursor: `aaaaaaaa.${index + 1}`, event })));

test("a ticket is the fold of its log: who said what, who has it, whether it is open", () => {
  const thread = fold(
    opened,
    { type: "ticket-assign", to: "Robin", name: "Robin" },
    reply("agent", "Which tap?"),
    reply("agent", "I come at ten."),
    { type: "ticket-close", from: "agent", name: "Robin" },
    { type: "ticket-reopen", from: "customer", name: "Ada" },
  );
  expect(thread).toMatchObject({
    subject: "The tap drips",
    customer: "Ada",
    status: "open",
    assignee: "Robin",
    messages: { customer: 1, agent: 2 },
    last: { from: "agent", text: "I come at ten.", count: 2 },
    cursor: "aaaaaaaa.6",
  });
  expect(thread.lines.map(({ type, from, name, text }) => [type, from, name, text])).toEqual([
    ["message", "customer", "Ada", "Since Monday."],
    ["change", "agent", "Robin", "took the ticket"],
    ["message", "agent", "Robin", "Which tap?"],
    ["message", "agent", "Robin", "I come at ten."],
    ["change", "agent", "Robin", "closed the ticket"],
    ["change", "customer", "Ada", "reopened the ticket"],
  ]);
});

test("of two agents who change the same thing the later wins, and what the other changed beside it stays", () => {
  const robin = { type: "ticket-assign", to: "Robin", name: "Robin" };
  const kit = { type: "ticket-assign", to: "Kit", name: "Kit" };
  const close = { type: "ticket-close", from: "agent", name: "Robin" };
  expect(fold(opened, robin, kit).assignee).toBe("Kit");
  expect(fold(opened, kit, robin).assignee).toBe("Robin");
  expect(fold(opened, close, kit)).toMatchObject({ assignee: "Kit", status: "closed" });
  expect(fold(opened, kit, { ...robin, to: null })).not.toHaveProperty("assignee");
});

test("the list says what the log says, as whoever reads it will see it", () => {
  const thread = fold(opened, reply("agent", "I\n\ncome  at ten."));
  const entry = summaryOf("t1", thread, undefined);
  expect(entry).toEqual({
    key: "t1",
    subject: "The tap drips",
    customer: "Ada",
    status: "open",
    messages: { customer: 1, agent: 1 },
    last: { from: "agent", text: "I come at ten.", count: 1 },
    at: 2,
    cursor: "aaaaaaaa.2",
  });
  const sent: unknown = JSON.parse(JSON.stringify({ type: "ticket", ...entry }));
  expect(readTicket(sent as object)).toEqual(entry);
  // What somebody put in the list by hand, and the log does not say.
  const former = readTicket({ key: "t1", subject: "By hand", customer: "Bob" });
  expect(summaryOf("t1", fold(reply("customer", "Hello")), former)).toMatchObject({
    subject: "By hand",
    customer: "Bob",
  });
});

test("what anybody may have written shows nothing, or no more than has room", () => {
  const odd = [
    {},
    { type: "ticket-reply" },
    { type: "ticket-reply", from: "admin", text: 7 },
    { type: "presence" },
  ];
  expect(fold(...odd).lines).toEqual([]);
  const long = fold({
    type: "ticket-open",
    subject: "s".repeat(1e4),
    name: "n".repeat(1e4),
    text: "t".repeat(1e5),
    at: 1e300,
  });
  expect(long.subject).toHaveLength(120);
  expect(long.customer).toHaveLength(40);
  expect(long.lines[0]?.text).toHaveLength(4_000);
  expect(long.last?.text).toHaveLength(160);
  expect(new Date(long.at).toISOString()).toBe("1970-01-01T00:00:00.000Z");
  for (const key of [undefined, 7, "", ".", "..", "a/b", "a b", "k".repeat(65)]) {
    expect(readTicket({ key, subject: "x" }), String(key)).toBeUndefined();
  }
});

test("no event breaks the fold, and counts only grow", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.object(),
          fc.record({
            type: fc.constantFrom(
              "ticket-open",
              "ticket-reply",
              "ticket-assign",
              "ticket-close",
              "ticket-reopen",
            ),
            from: fc.anything(),
            to: fc.anything(),
            name: fc.anything(),
            text: fc.anything(),
            at: fc.anything(),
            subject: fc.anything(),
          }),
        ),
      ),
      (events) => {
        const thread = fold(...events);
        const messages = thread.lines.filter(({ type }) => type === "message").length;
        expect(thread.messages.agent + thread.messages.customer).toBe(messages);
        expect(summaryOf("t1", thread, undefined).key).toBe("t1");
      },
    ),
  );
});
