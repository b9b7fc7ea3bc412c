import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { SignJWT, UnsecuredJWT, exportJWK, generateKeyPair } from "jose";
import type { CryptoKey } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createJwtVerifier } from "../../../src/http/auth/jwt.ts";
import { startApp } from "../../support/app.ts";
import type { TestServer } from "../../support/app.ts";

const ISSUER = "https://id.example";
const AUDIENCE = "millrace";

let app: TestServer;
let issuer: Server;
let jwks: string;
let ours: CryptoKey;
let foreign: CryptoKey;
let publicJwk: object;
let asked: string[];

beforeAll(async () => {
  const pair = await generateKeyPair("ES256", { extractable: true });
  ours = pair.privateKey;
  foreign = (await generateKeyPair("ES256", { extractable: true })).privateKey;
  publicJwk = { ...(await exportJWK(pair.publicKey)), kid: "a", alg: "ES256" };
  asked = [];
  issuer = createServer((request, response) => {
    asked.push(request.url ?? "");
    response.setHeader("content-type", "application/json").end(JSON.stringify({ keys: [publicJwk] }));
  });
  await new Promise<void>((resolve) => issuer.listen(0, "127.0.0.1", resolve));
  jwks = `http://127.0.0.1:${(issuer.address() as AddressInfo).port}/jwks.json`;
  app = await startApp({ auth: { jwt: { jwks, issuer: ISSUER, audience: AUDIENCE } } });
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await new Promise((resolve) => issuer.close(resolve));
});

interface Claims {
  sub?: unknown;
  iss?: string;
  aud?: string;
  exp?: number | undefined;
  nbf?: number;
  scope?: unknown;
}

const soon = () => Math.floor(Date.now() / 1_000) + 60;

function claims(more: Claims = {}): Record<string, unknown> {
  return { sub: "ada", iss: ISSUER, aud: AUDIENCE, exp: soon(), scope: "openid run read:teams/*", ...more };
}

function sign(more: Claims = {}, header: object = {}, key: CryptoKey | Uint8Array = ours): Promise<string> {
  return new SignJWT(claims(more)).setProtectedHeader({ alg: "ES256", kid: "a", ...header }).sign(key);
}

function bearer(token: string): Promise<Response> {
  return app.ask("/v1/streams/teams/red", { headers: { authorization: `Bearer ${token}` } });
}

test("a token of the issuer lets in whom it names, with the scopes of ours that it holds", async () => {
  // 404: it may be read, and is not there.
  expect((await bearer(await sign())).status).toBe(404);
  expect((await bearer(await sign({ scope: ["read:teams/red"] }))).status).toBe(404);
  expect((await bearer(await sign({ scope: "openid" }))).status).toBe(403);
  const session = await app.ask("/v1/session", { headers: { authorization: `Bearer ${await sign()}` } });
  expect(await session.json()).toMatchObject({ person: "ada", scopes: ["run", "read:teams/*"] });
});

test.each<[string, () => Promise<string> | string]>([
  ["signed by somebody else", () => sign({}, {}, foreign)],
  ["that says it is signed by nothing", () => new UnsecuredJWT(claims()).encode()],
  [
    "signed with the published key as a secret",
    () => sign({}, { alg: "HS256" }, new TextEncoder().encode(JSON.stringify(publicJwk))),
  ],
  [
    "that brings its own key",
    async () => sign({}, { jwk: await exportJWK(foreign), kid: undefined }, foreign),
  ],
  ["that names another address for keys", () => sign({}, { jku: `${jwks}?evil`, kid: "b" }, foreign)],
  ["that is over", () => sign({ exp: soon() - 120 })],
  ["that is never over", () => sign({ exp: undefined })],
  ["that does not hold yet", () => sign({ nbf: soon() + 60 })],
  ["for another service", () => sign({ aud: "other" })],
  ["of another issuer", () => sign({ iss: "https://evil.example" })],
  ["that names nobody", () => sign({ sub: undefined })],
  ["that names an empty person", () => sign({ sub: "" })],
  [
    "whose body was changed",
    async () =>
      (await sign()).replace(
        /\.[^.]+\./,
        `.${btoa(JSON.stringify(claims({ sub: "root" }))).replace(/=+$/, "")}.`,
      ),
  ],
  ["cut in half", async () => (await sign()).slice(0, 80)],
  ["of 20 KB", () => `${"a".repeat(20_000)}.b.c`],
  ["that is a word", () => "secret"],
])("a token %s lets nobody in", async (_, make) => {
  const before = asked.filter((url) => url.includes("evil")).length;
  const response = await bearer(await make());
  expect(response.status).toBe(401);
  expect(await response.json()).toMatchObject({ error: { code: "unauthorized", retryable: false } });
  expect(response.headers.get("www-authenticate")).toBe("Bearer");
  expect(asked.filter((url) => url.includes("evil"))).toHaveLength(before);
});

test("a good signature of a kind that is not allowed lets nobody in", async () => {
  const options = { jwks, issuer: ISSUER, audience: AUDIENCE, algorithms: ["RS256"] };
  const verifier = createJwtVerifier(options, { now: Date.now });
  await expect(verifier.verify(await sign())).rejects.toThrow("not signed by who may");
});

test.each([
  ["ada@example.org", "ada~40example.org"],
  ["auth0|5f", "auth0~7c5f"],
  ["a~b", "a~7eb"],
  ["local", "~6cocal"],
  ["guest-1", "~67uest-1"],
  ["..", "~2e."],
  ["Ä", "~c3~84"],
])("the subject %s is a person that no other subject is: %s", async (sub, person) => {
  const session = await app.ask("/v1/session", {
    headers: { authorization: `Bearer ${await sign({ sub })}` },
  });
  expect(await session.json()).toMatchObject({ person });
});

test("a long subject is a digest, and stays one person", async () => {
  const session = await app.ask("/v1/session", {
    headers: { authorization: `Bearer ${await sign({ sub: "x".repeat(300) })}` },
  });
  expect(((await session.json()) as { person: string }).person).toMatch(/^~~[0-9a-f]{60}$/);
});

test("while the issuer's keys cannot be had it is said that it is not the token's fault", async () => {
  await using away = await startApp({
    auth: { jwt: { jwks: "http://127.0.0.1:1/jwks.json", issuer: ISSUER, audience: AUDIENCE } },
  });
  const headers = { authorization: `Bearer ${await sign()}` };
  const response = await away.ask("/v1/models", { headers });
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ error: { code: "auth-unavailable", retryable: true } });
  // An EventSource would stop for good at a status.
  const events = await away.ask("/v1/streams/a", { headers: { ...headers, accept: "text/event-stream" } });
  expect(events.status).toBe(200);
  expect(await events.text()).toMatch(/^retry: \d{4}\n\n$/);
});

test.each([
  [{ jwks: "http://id.example/jwks" }, "must begin with https://"],
  [{ jwks: "nonsense" }, "must begin with https://"],
  [{ issuer: "" }, "issuer and audience"],
  [{ audience: "" }, "issuer and audience"],
  [{ algorithms: ["HS256"] }, "proves nothing with published keys"],
  [{ algorithms: ["none"] }, "proves nothing with published keys"],
])("options with which anybody could come in are refused: %j", (more, text) => {
  const options = { jwks: "https://id.example/jwks", issuer: ISSUER, audience: AUDIENCE, ...more };
  expect(() => createJwtVerifier(options, { now: Date.now })).toThrow(text);
});
