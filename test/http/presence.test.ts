import { afterEach, beforeEach, expect, test } from "vitest";
import { ERRORS } from "../../src/protocol/error.ts";
import type { ErrorCode, Presence } from "../../src/protocol/index.ts";
import { EVENTS, blocks, readUntil, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";

const ADA = "a".repeat(20);
const BOB = "b".repeat(20);

let app: TestServer;
beforeEach(async () => {
  app = await startApp({ presence: { leaseMs: 60_000, graceMs: 500 } });
});
afterEach(() => app[Symbol.asyncDispose]());

type Answer = Presence & { person: string; renewMs: number };

async function come(browser: string | undefined, more: object = {}): Promise<Answer> {
  const body = { ...(browser !== undefined && { browser }), ...more };
  const response = await app.send("POST", "/v1/presence/desk", body);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

async function look(): Promise<Presence> {
  const response = await app.ask("/v1/presence/desk");
  expect(response.headers.get("cache-control")).toBe("no-store");
  return (await response.json()) as Presence;
}

function counts(body: string): number[] {
  return blocks(body)
    .filter(({ event }) => event === "presence")
    .map(({ data }) => (JSON.parse(data ?? "") as Presence).count);
}

test("a browser is one person, however often and from however many tabs it says so", async () => {
  const ada = await come(ADA, { data: { name: "Ada" } });
  await come(ADA, { data: { name: "Ada" } });
  const bob = await come(BOB);
  expect(ada).toMatchObject({ stream: "desk", count: 1, renewMs: Math.round((60_000 * 4) / 9) });
  expect(await look()).toEqual({
    stream: "desk",
    at: expect.any(Number),
    count: 2,
    people: [
      { person: ada.person, since: expect.any(Number), data: { name: "Ada" } },
      { person: bob.person, since: expect.any(Number) },
    ],
  });
  expect(ada.person).toMatch(/^local\.[0-9a-f]{16}$/);
  expect((await come(ADA, { leave: true })).count).toBe(1);
  expect((await come(undefined)).person).toBe("local");
});

test("who listens is told who is here at once and at each change, who reads at each change, without an id", async () => {
  await come(ADA);
  const listening = await app.ask("/v1/streams?listen=desk", { headers: EVENTS });
  const reading = await app.ask("/v1/streams/desk", { headers: EVENTS });
  const heard = [readUntil(listening, '"count":2'), readUntil(reading, '"count":2')];
  await come(BOB);
  const [ofListening = "", ofReading = ""] = await Promise.all(heard);
  expect(counts(ofListening)).toEqual([1, 2]);
  expect(counts(ofReading)).toEqual([2]);
  expect(blocks(ofListening).filter(({ id }) => id !== undefined)).toEqual([]);
});

test.each(["/v1/streams?listen=desk", "/v1/streams?stream=x", "/v1/streams/x"])(
  "a person whose connection to %s has closed is gone soon, unless it comes back",
  async (path) => {
    const open = () => app.ask(`${path}${path.includes("?") ? "&" : "?"}browser=${ADA}`, { headers: EVENTS });
    const one = await open();
    const other = await open();
    await come(ADA);
    await come(BOB);
    await one.body?.cancel();
    const watch = await app.ask("/v1/streams?listen=desk", { headers: EVENTS });
    const heard = readUntil(watch, '"count":1');
    expect((await look()).count).toBe(2);
    await other.body?.cancel();
    expect(counts(await heard).at(-1)).toBe(1);
    expect((await look()).people?.[0]?.person).toBe((await come(BOB)).person);
  },
);

const CASES: [what: string, code: ErrorCode, path: string, body?: string][] = [
  ["a forged person", "invalid-request", "/v1/presence/desk", '{"person":"admin"}'],
  [
    "a presence of 1 MB",
    "body-too-large",
    "/v1/presence/desk",
    JSON.stringify({ data: { x: "x".repeat(1e6) } }),
  ],
  ["data that is no object", "invalid-request", "/v1/presence/desk", '{"data":"Ada"}'],
  ["a secret that is a guess", "invalid-request", "/v1/presence/desk", '{"browser":"1"}'],
  ["a reserved name", "reserved-name", "/v1/presence/people/ada", "{}"],
  ["a chat that nobody made", "chat-unknown", "/v1/presence/chats/abcdefgh", "{}"],
  ["such a chat that is asked for", "chat-unknown", "/v1/presence/chats/abcdefgh"],
  ["a bad name", "invalid-name", "/v1/presence/a//b", "{}"],
  ["a bad name that is asked for", "invalid-name", "/v1/presence/a//b"],
  ["a connection with a guess of a secret", "invalid-request", "/v1/streams/x?live=1&browser=1"],
  ["a connection of several with a guess", "invalid-request", "/v1/streams?live=1&listen=x&browser=1"],
];

test.each(CASES)("%s is refused: %s", async (_, code, path, body) => {
  const response = await (body === undefined ? app.ask(path) : app.send("POST", path, body));
  expect(response.status).toBe(ERRORS[code].status);
  expect(await response.json()).toEqual({
    error: { code, message: expect.any(String), retryable: ERRORS[code].retryable },
  });
});

test("who is in a chat is told to who listens to it, until the chat is deleted", async () => {
  const { chat } = (await (await app.send("POST", "/v1/chats", {})).json()) as { chat: string };
  const path = `/v1/presence/chats/${chat}`;
  const listening = await app.ask(`/v1/streams?listen=chats/${chat}`, { headers: EVENTS });
  const heard = readUntil(listening, '"count":1');
  expect((await app.send("POST", path, { browser: ADA })).status).toBe(200);
  expect(counts(await heard)).toEqual([0, 1]);
  expect(await (await app.ask(path)).json()).toMatchObject({ count: 1 });
  await app.ask(`/v1/chats/${chat}`, { method: "DELETE" });
  expect((await app.ask(path)).status).toBe(410);
});

test("what a person is told of others cannot be used to be one of them", async () => {
  const { person } = await come(ADA);
  const response = await app.send("POST", "/v1/presence/desk", { browser: person.replace(".", "_") });
  expect(((await response.json()) as Answer).person).not.toBe(person);
  expect((await look()).count).toBe(2);
});

test("one person is in 32 streams at most", async () => {
  const answers: number[] = [];
  for (let n = 0; n < 33; n++) {
    answers.push((await app.send("POST", `/v1/presence/s${n}`, { browser: ADA })).status);
  }
  expect(answers.filter((status) => status === 200)).toHaveLength(32);
  expect(answers.at(-1)).toBe(429);
});
