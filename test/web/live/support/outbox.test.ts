import { expect, test, vi } from "vitest";
import type { Api } from "../../../../src/client/index.ts";
import { createOutbox } from "../../../../web/live/support/outbox.ts";
import type { ThreadEvent } from "../../../../web/live/support/thread.ts";
import { readTicket } from "../../../../web/live/support/ticket.ts";
import { gate } from "../../../support/app.ts";

const reply = (text: string): ThreadEvent => ({ type: "ticket-reply", from: "agent", name: "Robin", text });
const texts = (body: unknown) => (body as { text?: string }[]).map(({ text }) => text).join();

/** An API that answers as it is told, and what it was sent. */
function fakeApi(answer: (method: string, path: string, body: unknown) => Promise<unknown>) {
  const sent: { path: string; body: unknown; key: string | undefined }[] = [];
  const api: Api = {
    async send(method, path, body, { key } = {}) {
      sent.push({ path, body, key });
      return answer(method, path, body);
    },
  };
  return { api, sent };
}

test("what is written is shown at once, and sent one after the other in the order in which it was written", async () => {
  const { opened, open } = gate();
  const { api, sent } = fakeApi(() => opened);
  const outbox = createOutbox(api);
  outbox.send("support/tickets/a", [reply("one")]);
  outbox.send("support/tickets/a", [reply("two"), reply("three")]);
  expect(outbox.getSnapshot().map(({ events }) => events.length)).toEqual([1, 2]);
  expect(sent).toHaveLength(1);
  open();
  await vi.waitFor(() => expect(sent).toHaveLength(2));
  expect(sent.map(({ body }) => texts(body))).toEqual(["one", "two,three"]);
  const [first] = outbox.getSnapshot();
  expect(sent[0]?.key).toBe(first?.id);
  expect(outbox.isOwn(first?.id)).toBe(true);
  expect(outbox.isOwn("another")).toBe(false);
});

test("what is refused stays, says why, and is sent again under the same key", async () => {
  let isRefused = true;
  const { api, sent } = fakeApi(() => (isRefused ? Promise.reject(new Error("No.")) : Promise.resolve({})));
  const outbox = createOutbox(api);
  outbox.send("support/tickets/a", [reply("one")]);
  await vi.waitFor(() => expect(outbox.getSnapshot()[0]?.error).toBe("No."));
  isRefused = false;
  const id = outbox.getSnapshot()[0]?.id ?? "";
  outbox.retry(id);
  expect(outbox.getSnapshot()[0]).not.toHaveProperty("error");
  await vi.waitFor(() => expect(sent).toHaveLength(2));
  expect(sent[1]).toEqual(sent[0]);
  outbox.drop(id);
  expect(outbox.getSnapshot()).toEqual([]);
});

test("a list is made a table once, before it is told of a ticket", async () => {
  let isRefused = true;
  const { api, sent } = fakeApi((method) =>
    method === "PUT" && isRefused ? Promise.reject(new Error("No.")) : Promise.resolve({}),
  );
  const outbox = createOutbox(api);
  const ticket = readTicket({ key: "t1" });
  if (ticket === undefined) throw new Error("it is no ticket");
  await expect(outbox.publish("support/tickets", ticket)).rejects.toThrow("No.");
  isRefused = false;
  await outbox.publish("support/tickets", ticket);
  await outbox.publish("support/tickets", ticket);
  expect(sent.map(({ body }) => (body as { kind?: string; type?: string }).kind ?? "ticket")).toEqual([
    "state",
    "state",
    "ticket",
    "ticket",
  ]);
});
