import { expect, it, vi } from "vitest";
import { createClient } from "../../src/client/client.ts";
import { withRenewal, withTicket } from "../../src/client/renewal.ts";
import { createSource } from "../../src/client/source.ts";
import { FakeTransport } from "../support/fake-transport.ts";

const FOLLOW = { kind: "log", onDelivery: () => {} } as const;

function follow(options: ReturnType<typeof withRenewal>) {
  const source = createSource({ ...options, url: "", random: () => 0, browser: "b".repeat(22) });
  source.follow("a", FOLLOW);
  return source;
}

async function attempts(transport: FakeTransport, count: number): Promise<FakeTransport["last"]> {
  await vi.waitFor(() => expect(transport.attempts).toHaveLength(count));
  return transport.last;
}

it("renews when the server says that its right is over, and comes back at once with its cursor", async () => {
  const transport = new FakeTransport();
  const renew = vi.fn(() => Promise.resolve());
  const source = follow(withRenewal({ transport, renew }));
  const first = await attempts(transport, 1);
  first.onOpen();
  first.say("stream-start", { stream: "a", from: "epoch0000.0" });
  first.say(undefined, { stream: "a", event: { n: 1 } }, "epoch0000.1");
  first.say("auth-expired", { reason: "expired" });
  const second = await attempts(transport, 2);
  expect([renew.mock.calls.length, first.isClosed, second.cursors]).toEqual([1, true, ["epoch0000.1"]]);
  source.close();
});

it("renews once where it is refused, and says so where what is new is refused as well", async () => {
  const transport = new FakeTransport();
  const renew = vi.fn(() => Promise.resolve());
  const source = follow(withRenewal({ transport, renew }));
  (await attempts(transport, 1)).onFailed({ status: 401 });
  (await attempts(transport, 2)).onFailed({ status: 401 });
  await vi.waitFor(() =>
    expect(source.connection).toMatchObject({ status: "refused", error: { status: 401 } }),
  );
  expect(renew).toHaveBeenCalledTimes(1);
  source.close();
});

it("takes what cannot be renewed now for a failure like another, and tries again", async () => {
  const transport = new FakeTransport();
  const renew = vi.fn(() => Promise.resolve()).mockRejectedValueOnce(new Error("no network"));
  const source = follow(withRenewal({ transport, renew }));
  const first = await attempts(transport, 1);
  first.onOpen();
  first.say("auth-expired", {});
  (await attempts(transport, 2)).onOpen();
  expect(source.connection.status).toBe("open");
  source.close();
});

it("sends a request that was refused once more, with the headers of then; several wait for one renewal", async () => {
  let token = "old";
  const sent: (string | null)[] = [];
  const options = withRenewal({
    url: "http://test",
    transport: new FakeTransport(),
    headers: () => ({ Authorization: token }),
    renew: async () => {
      await Promise.resolve();
      token += "+new";
    },
    fetch: (_, init) => {
      const authorization = new Headers(init?.headers).get("authorization");
      sent.push(authorization);
      const isGood = authorization === "old+new";
      return Promise.resolve(new Response(isGood ? "{}" : "no", { status: isGood ? 200 : 401 }));
    },
  });
  const client = createClient(options);
  await Promise.all([client.api.send("GET", "/v1/models"), client.api.send("POST", "/v1/chats", {})]);
  expect(sent.map((one) => one === "old+new").filter(Boolean)).toHaveLength(2);
  expect(sent).toHaveLength(4);
  client.close();
});

it("asks for a ticket for what it reads, keeps it for the same streams, and gets another when it is over", async () => {
  const transport = new FakeTransport();
  const getTicket = vi.fn((streams: readonly string[]) =>
    Promise.resolve(`t${getTicket.mock.calls.length}-${streams.join()}`),
  );
  const source = follow(withTicket({ transport, getTicket }));
  const ticket = async (count: number) => (await attempts(transport, count)).url.searchParams.get("ticket");
  expect(await ticket(1)).toBe("t1-a");
  transport.last.onOpen();
  transport.last.onFailed({});
  expect(await ticket(2)).toBe("t1-a");
  transport.last.onOpen();
  transport.last.say("auth-expired", {});
  expect(await ticket(3)).toBe("t2-a");
  transport.last.onOpen();
  source.follow("b", FOLLOW);
  expect(await ticket(4)).toBe("t3-a,b");
  source.close();
});
