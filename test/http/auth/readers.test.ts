import { expect, test } from "vitest";
import { createSigner } from "../../../src/http/auth/signed.ts";
import { StreamError } from "../../../src/protocol/error.ts";
import type { StreamName } from "../../../src/protocol/names.ts";
import { EVENTS, blocks, readUntil, startApp } from "../../support/app.ts";
import type { TestServer } from "../../support/app.ts";
import { createTestKeys } from "../../support/keys.ts";

const SECRET = "s".repeat(32);

async function startWithKeys() {
  const keys = createTestKeys();
  const app = await startApp({ auth: { keys, secret: SECRET } });
  const headers = async (person: string, ...scopes: Parameters<typeof keys.make>[0]["scopes"]) => ({
    authorization: `Bearer ${await keys.make({ person, scopes })}`,
  });
  return { app, keys, headers, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
}

async function ticketFor(app: TestServer, headers: Record<string, string>, body: object): Promise<string> {
  const response = await app.send("POST", "/v1/tickets", body, headers);
  expect(response.status).toBe(201);
  return ((await response.json()) as { ticket: string }).ticket;
}

async function append(app: TestServer, name: string, n: number): Promise<void> {
  await app.server.log.append(name as StreamName, [{ data: `{"n":${n}}` }], { create: { kind: "log" } });
}

/** All ways to a chat. */
function paths(id: string): string[] {
  return [
    `/v1/chats/${id}`,
    `/v1/streams/chats/${id}`,
    `/v1/streams/chats/${id}?live=1`,
    `/v1/streams/chats/${id}?after=nonsense`,
    `/v1/streams?stream=chats/${id}&live=1`,
    `/v1/presence/chats/${id}`,
  ];
}

function as(user: string) {
  return { headers: { "x-user": user } };
}

test("of 32 streams in one request the one that may not be read says so, tells nothing, and the others come", async () => {
  await using started = await startWithKeys();
  const { app, headers } = started;
  await append(app, "secret/plan", 7);
  await append(app, "open/0", 1);
  const names = [...Array.from({ length: 31 }, (_, index) => `open/${index}`), "secret/plan"];
  const query = names.map((name) => `stream=${name}`).join("&");
  const asked = { headers: { ...EVENTS, ...(await headers("ada", "read:open/*")) } };
  const body = await readUntil(await app.ask(`/v1/streams?${query}`, asked), '"event":{"n":1}');
  expect(body).toContain('event: stream-end\ndata: {"stream":"secret/plan","reason":"forbidden"}');
  expect(body).not.toContain('"n":7');
  expect(body.match(/event: stream-start/g)).toHaveLength(31);
  const more = await app.ask(`/v1/streams?${query}&stream=open/one-more`, asked);
  expect(more.status).toBe(400);
});

test("a stream that may not be read is refused in the same words, there or not", async () => {
  await using started = await startWithKeys();
  const { app, headers } = started;
  await append(app, "secret/a", 1);
  const asked = { headers: await headers("ada", "read:open/*") };
  const [there, absent] = [
    await app.ask("/v1/streams/secret/a", asked),
    await app.ask("/v1/streams/secret/b", asked),
  ];
  expect(there.status).toBe(403);
  expect((await there.text()).replace("secret/a", "secret/b")).toBe(await absent.text());
});

test("somebody else's chat is answered as one that was never made, live, replayed and beside others", async () => {
  await using started = await startWithKeys();
  const { app, headers } = started;
  const ada = await headers("ada", "run");
  const { chat } = (await (await app.send("POST", "/v1/chats", {}, ada)).json()) as { chat: string };
  const bob = { headers: { ...(await headers("bob", "run", "read:*")), "content-type": "application/json" } };
  const none = "a".repeat(chat.length);
  for (const [index, path] of paths(chat).entries()) {
    const [theirs, absent] = [await app.ask(path, bob), await app.ask(paths(none)[index] ?? "", bob)];
    expect({ path, status: theirs.status, body: (await theirs.text()).replaceAll(chat, none) }).toEqual({
      path,
      status: absent.status,
      body: await absent.text(),
    });
    const heads = [path, paths(none)[index] ?? ""].map((one) => app.ask(one, { ...bob, method: "HEAD" }));
    const [head, noHead] = await Promise.all(heads);
    expect(head?.status).toBe(noHead?.status);
  }
  const found = await app.ask("/v1/chats?q=the", bob);
  expect(await found.json()).toEqual({ chats: [] });
});

test("a key under which one asks is one's own: with another's one gets an answer of one's own", async () => {
  await using test = await startWithKeys();
  const ask = async (person: string) => {
    const headers = { ...(await test.headers(person, "run")), "idempotency-key": "k" };
    const body = { model: "told", messages: [{ role: "user", content: "Why?" }] };
    const response = await test.app.send("POST", "/v1/chat/completions", body, headers);
    expect(response.status).toBe(200);
    return response.headers.get("x-millrace-run");
  };
  const [ada, again, bob] = [await ask("ada"), await ask("ada"), await ask("bob")];
  expect(again).toBe(ada);
  expect(bob).not.toBe(ada);
});

test("a ticket opens the streams it names, and nothing else", async () => {
  await using started = await startWithKeys();
  const { app, headers } = started;
  await append(app, "open/a", 1);
  const ada = await headers("ada", "read:open/*", "append:open/*", "run");
  const ticket = await ticketFor(app, ada, { streams: ["open/a"] });
  const status = async (path: string, init: RequestInit = {}) => {
    const response = await app.ask(path, init);
    await response.body?.cancel();
    return response.status;
  };
  expect(await status(`/v1/streams/open/a?ticket=${ticket}`)).toBe(200);
  expect(await status(`/v1/streams?stream=open/a&live=1&ticket=${ticket}`)).toBe(200);
  expect(await status(`/v1/streams/open/b?ticket=${ticket}`)).toBe(403);
  expect(await status(`/v1/streams?stream=open/b&live=1&ticket=${ticket}`)).toBe(403);
  expect(await status(`/v1/streams?listen=open/b&live=1&ticket=${ticket}`)).toBe(403);
  await app.send("POST", "/v1/chats", {}, ada);
  expect(await status("/v1/streams/people/ada/chats", { headers: ada })).toBe(200);
  expect(await status(`/v1/streams/people/ada/chats?ticket=${ticket}`)).toBe(404);
  expect(await status(`/v1/chats?ticket=${ticket}`)).toBe(401);
  expect(await status(`/v1/models?ticket=${ticket}`)).toBe(401);
  const post = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
  expect(await status(`/v1/streams/open/a?ticket=${ticket}`, post)).toBe(401);
  // A ticket is no key, and no session.
  expect(await status("/v1/models", { headers: { authorization: `Bearer ${ticket}` } })).toBe(401);
  expect(await status("/v1/models", { headers: { cookie: `millrace_session=${ticket}` } })).toBe(401);
});

test("a ticket holds for at least as long as was asked, whatever the clock stands at", async () => {
  await using started = await startWithKeys();
  const { app, headers } = started;
  const ada = await headers("ada", "read:open/*");
  const asked = Date.now();
  const answer = await app.send("POST", "/v1/tickets", { streams: ["open/a"], seconds: 1 }, ada);
  expect(((await answer.json()) as { expiresAt: number }).expiresAt).toBeGreaterThanOrEqual(asked + 1_000);
});

test("a ticket that was changed, is over, or is of another server is refused, whatever else the request brings", async () => {
  await using started = await startWithKeys();
  const { app, headers } = started;
  const ada = await headers("ada", "read:open/*");
  const claim = { person: "ada", scopes: ["read:open/a"] as const, expiresAt: Date.now() + 60_000 };
  const sign = (secret: string, more: object = {}) =>
    createSigner(secret, Date.now).sign("ticket", { ...claim, ...more });
  const good = await sign(SECRET);
  const [head = "", , signature = ""] = good.split(".");
  const forged = btoa(JSON.stringify({ sub: "ada", scopes: ["admin"], exp: 9e9 })).replace(/=+$/, "");
  const tickets = [
    `${good.slice(0, -2)}xx`,
    `${head}.${forged}.${signature}`,
    await sign("t".repeat(32)),
    await sign(SECRET, { expiresAt: Date.now() - 1_000 }),
    await createSigner(SECRET, Date.now).sign("session", claim),
    "",
    "x".repeat(10_000),
  ];
  expect((await app.ask(`/v1/streams/open/a?ticket=${good}`)).status).toBe(404);
  const cookie = await app.send("POST", "/v1/session", { key: ada.authorization.slice("Bearer ".length) });
  const session = { cookie: cookie.headers.get("set-cookie")?.split(";")[0] ?? "" };
  expect((await app.ask("/v1/streams/open/a", { headers: session })).status).toBe(404);
  for (const ticket of tickets)
    expect((await app.ask(`/v1/streams/open/a?ticket=${ticket}`, { headers: session })).status).toBe(401);
});

test("when a ticket is over the reader is told, the connection ends, and another ticket goes on without a gap", async () => {
  await using started = await startWithKeys();
  const { app, headers } = started;
  const ada = await headers("ada", "read:open/*");
  await append(app, "open/a", 1);
  const open = async (after: string) => {
    const ticket = await ticketFor(app, ada, { streams: ["open/a"], seconds: 1 });
    return blocks(await (await app.ask(`/v1/streams/open/a?live=1&ticket=${ticket}${after}`)).text());
  };
  const first = await open("");
  expect(first.at(-1)).toEqual({ retry: "250", event: "auth-expired", data: '{"reason":"expired"}' });
  await append(app, "open/a", 2);
  const cursor = first.findLast(({ id }) => id !== undefined)?.["id"];
  const second = await open(`&after=${cursor}`);
  const events = [...first, ...second].filter(({ event }) => event === undefined);
  expect(events.map(({ data }) => data)).toEqual(['{"n":1}', '{"n":2}']);
});

test("revoking a key ends what was opened with it, its sessions and its tickets", async () => {
  await using started = await startWithKeys();
  const { app, keys, headers } = started;
  const ada = await headers("ada", "read:open/*");
  const ticket = await ticketFor(app, ada, { streams: ["open/a"] });
  const answer = await app.send("POST", "/v1/session", { key: ada.authorization.slice("Bearer ".length) });
  const session = { cookie: answer.headers.get("set-cookie")?.split(";")[0] ?? "" };
  const readers = [
    await app.ask("/v1/streams/open/a", { headers: { ...EVENTS, ...ada } }),
    await app.ask("/v1/streams?stream=open/a", { headers: { ...EVENTS, ...session } }),
    await app.ask(`/v1/streams/open/a?ticket=${ticket}`, { headers: EVENTS }),
  ];
  keys.revoke("ada");
  for (const reader of readers)
    expect(await reader.text()).toMatch(/event: auth-expired\ndata: \{"reason":"revoked"\}\n\n$/);
  expect((await app.ask("/v1/streams/open/a", { headers: ada })).status).toBe(401);
  expect((await app.ask("/v1/streams/open/a", { headers: session })).status).toBe(401);
  expect((await app.ask(`/v1/streams/open/a?ticket=${ticket}`)).status).toBe(401);
});

test("a session's cookie is hidden from scripts, and behind TLS it is sent over nothing else", async () => {
  await using started = await startWithKeys();
  const { app, keys } = started;
  const key = await keys.make({ person: "ada", scopes: [] });
  const plain = await app.send("POST", "/v1/session", { key });
  expect(plain.status).toBe(201);
  expect(plain.headers.get("set-cookie")).toMatch(
    /^millrace_session=[\w.-]+; Path=\/; Expires=[^;]+; HttpOnly; SameSite=Strict$/,
  );
  const secure = await app.send("POST", "/v1/session", { key }, { origin: "https://localhost" });
  expect(secure.headers.get("set-cookie")).toMatch(/; Secure$/);
  const cookie = plain.headers.get("set-cookie")?.split(";")[0] ?? "";
  const known = async (headers: Record<string, string>) =>
    (await app.ask("/v1/session", { headers })).json() as Promise<{ person: string; cookie?: string }>;
  expect(await known({ cookie })).toMatchObject({ isKnown: true, cookie: "session" });
  // What a sign-out would not take away.
  expect(await known({ authorization: `Bearer ${key}` })).not.toHaveProperty("cookie");
  const out = await app.ask("/v1/session", { method: "DELETE" });
  expect(out.headers.get("set-cookie")).toContain("millrace_session=; Path=/; Expires=Thu, 01 Jan 1970");
  const foreign = await app.send("POST", "/v1/session", { key }, { origin: "https://evil.example" });
  expect(foreign.status).toBe(403);
});

test("guests are made by opening a page, each somebody of their own, and never by a request for data", async () => {
  await using app = await startApp({ auth: { guests: { scopes: ["read:*", "run"] } } });
  const open = () => app.ask("/", { headers: { "sec-fetch-mode": "navigate" } });
  const cookies = [await open(), await open()].map(
    (page) => page.headers.get("set-cookie")?.split(";")[0] ?? "",
  );
  const [one, two] = await Promise.all(
    cookies.map(async (cookie) => {
      const answer = await app.ask("/v1/session", { headers: { cookie } });
      const session = (await answer.json()) as { person: string; cookie: string };
      expect(session.cookie).toBe("guest");
      return session.person;
    }),
  );
  expect(one).toMatch(/^guest-[0-9a-f]{20}$/);
  expect(two).not.toBe(one);
  const again = await app.ask("/", { headers: { "sec-fetch-mode": "navigate", cookie: cookies[0] ?? "" } });
  expect(again.headers.has("set-cookie")).toBe(false);
  const data = await app.ask("/v1/streams/a", { headers: EVENTS });
  expect([data.status, data.headers.has("set-cookie")]).toEqual([401, false]);
  // Fetching ahead is no visit.
  const ahead = await app.ask("/", { headers: { "sec-fetch-mode": "navigate", "sec-purpose": "prefetch" } });
  expect(ahead.headers.has("set-cookie")).toBe(false);
});

test("an authorize of one's own says who it is, decides per stream, and its refusal is answered as it is", async () => {
  const looked: string[] = [];
  await using app = await startApp({
    auth: {
      authorize(request) {
        const name = request.headers.get("x-user");
        if (name === "banned") throw new StreamError("unauthorized", "You were banned.");
        if (name === null) return undefined;
        return {
          id: name,
          scopes: ["run"],
          may: async (right, stream) => {
            looked.push(`${right} ${stream}`);
            return Promise.resolve(stream === `desk/${name}`);
          },
        };
      },
    },
  });
  expect((await app.ask("/v1/streams/desk/ada", as("ada"))).status).toBe(404);
  expect((await app.ask("/v1/streams/desk/bob", as("ada"))).status).toBe(403);
  expect((await app.ask("/v1/models")).status).toBe(401);
  const banned = await app.ask("/v1/models", as("banned"));
  expect(await banned.json()).toMatchObject({ error: { message: "You were banned." } });
  expect(looked).toEqual(["read desk/ada", "read desk/bob"]);
});

test("code in the same process acts as whom it names, and a request cannot", async () => {
  await using started = await startWithKeys();
  const { app } = started;
  const asked = new Request("http://localhost/v1/session");
  const answer = await app.server.fetchAs({ id: "ada", scopes: [] }, asked);
  expect(await answer.json()).toMatchObject({ isKnown: true, person: "ada" });
  const env = { principal: { id: "root", scopes: ["admin"] } };
  const other = await app.server.fetch(new Request("http://localhost/v1/models"), env);
  expect(other.status).toBe(401);
});

test("what is too much is refused with the time when it may be asked again, wherever it is started", async () => {
  const keys = createTestKeys();
  await using app = await startApp({ auth: { keys }, limits: { runsPerMinute: 1, openRuns: 0 } });
  const headers = { authorization: `Bearer ${await keys.make({ person: "ada", scopes: ["run"] })}` };
  const start = (key: string) =>
    app.send("POST", "/v1/runs", { prompt: "hi", model: "told" }, { ...headers, "idempotency-key": key });
  expect((await start("a")).status).toBe(202);
  expect((await start("a")).status).toBe(202);
  const refused = await start("b");
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(50);
  const chat = { model: "told", messages: [{ role: "user", content: "hi" }] };
  expect((await app.send("POST", "/v1/chat/completions", chat, headers)).status).toBe(429);
  const events = await app.ask("/stream?prompt=x&model=told", { headers: { ...headers, ...EVENTS } });
  expect(await events.text()).toContain('"code":"too-many-runs"');
});

test("it does not listen where others can reach it and nobody has to sign in", async () => {
  await using open = await startApp();
  await expect(open.server.listen(0, "0.0.0.0")).rejects.toThrow("nobody has to sign in");
  await using insecure = await startApp({ isInsecure: true });
  expect(await insecure.server.listen(0, "0.0.0.0")).toMatch(/^http:\/\/0\.0\.0\.0:/);
  await using asking = await startApp({ auth: { keys: createTestKeys() } });
  expect(await asking.server.listen(0, "0.0.0.0")).toMatch(/^http:\/\/0\.0\.0\.0:/);
});
