import { readFile } from "node:fs/promises";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { ERRORS } from "../../src/protocol/error.ts";
import { membersOf } from "../../src/http/openapi/members.ts";
import type { OpenApiDocument } from "../../src/http/openapi/document.ts";
import { OPERATIONS } from "../../src/http/openapi/operations.ts";
import { errorSchema } from "../../src/http/openapi/answers.ts";
import { schemaOf } from "../../src/http/openapi/document.ts";
import { startApp } from "../support/app.ts";
import { createTestKeys } from "../support/keys.ts";
import type { TestServer } from "../support/app.ts";

async function readDocument(app: TestServer): Promise<OpenApiDocument> {
  const answer = await app.ask("/openapi.json");
  expect(answer.headers.get("content-type")).toContain("application/json");
  return (await answer.json()) as OpenApiDocument;
}

test("the document is valid OpenAPI 3.1, with the package's version and operations of different names", async () => {
  await using app = await startApp();
  const document = await readDocument(app);
  const { valid, errors } = await new Validator().validate({ ...document });
  expect(errors ?? []).toEqual([]);
  expect(valid).toBe(true);
  expect(document.openapi).toMatch(/^3\.1\./);
  expect(document.info.version).toMatch(/^\d+\.\d+\.\d+/);
  const ids = Object.values(document.paths).flatMap((methods) =>
    Object.values(methods).map(({ operationId }) => operationId),
  );
  expect(new Set(ids).size).toBe(Object.keys(OPERATIONS).length);
});

test("the document says how people sign in, and what is for everybody", async () => {
  const keys = createTestKeys();
  await using app = await startApp({ auth: { keys } });
  const key = await keys.make({ person: "ann", scopes: ["read:*"] });
  const { paths, security, components } = await readDocument(app);
  expect(security).toEqual([{}, { bearer: [] }, { session: [] }]);
  expect(Object.keys(components.securitySchemes)).toEqual(["bearer", "session", "ticket"]);
  expect(paths["/v1/streams/{name}"]?.["get"]?.security).toContainEqual({ ticket: [] });
  for (const [path, methods] of Object.entries(paths)) {
    const isOpen = methods["get"]?.security?.length === 0;
    if (methods["get"] === undefined || path.includes("{") || path === "/v1/session") continue;
    const answer = await app.ask(path === "/stream" ? "/stream?prompt=Hi" : path);
    expect(answer.status === 401, `${path}: ${answer.status}`).toBe(!isOpen && path !== "/stream");
  }
  const asked = await app.ask("/v1/models", { headers: { authorization: `Bearer ${key}` } });
  expect(asked.status).toBe(200);
});

test("each member of our own bodies says what it is", () => {
  const silent = Object.entries(OPERATIONS)
    .filter(([, { tag, body }]) => tag !== "OpenAI-compatible" && body !== undefined)
    .flatMap(([route, { body }]) =>
      membersOf(body === undefined ? {} : schemaOf(body))
        .filter(({ description }) => description === "")
        .map(({ name }) => `${route}: ${name} has no description. Give its schema .describe("…").`),
    );
  expect(silent).toEqual([]);
});

test("bodies are checked by the schemas that are documented: what a schema refuses, the route refuses", async () => {
  await using app = await startApp();
  const { chat } = await app.server.chats.create("local", {});
  const refused: string[] = [];
  const documented: string[] = [];
  for (const [route, { body }] of Object.entries(OPERATIONS)) {
    if (body === undefined || body.safeParse({ unknownMember: 1 }).success) continue;
    documented.push(route);
    const [method = "", path = ""] = route.split(" ");
    const url = path.replace("*", "scores").replace(":chat", chat).replace(":run", "01gcp0lv7rj2kags");
    const answer = await app.send(method, url, { unknownMember: 1 });
    if (answer.status === 400) refused.push(route);
  }
  expect(refused).toEqual(documented);
  expect(documented.length).toBeGreaterThan(8);
});

test("real answers have the shapes that are documented", async () => {
  await using app = await startApp();
  const checked: string[] = [];
  const check = async (route: string, path: string, body?: object): Promise<Record<string, string>> => {
    const [method = ""] = route.split(" ");
    const answer = body === undefined ? await app.ask(path, { method }) : await app.send(method, path, body);
    const documented = OPERATIONS[route]?.answers[String(answer.status)];
    expect(documented, `${route} ${answer.status}`).toBeDefined();
    checked.push(route);
    if (documented?.schema === undefined) return {};
    const value = (await answer.json()) as Record<string, string>;
    expect(documented.schema.safeParse(value), route).toMatchObject({ success: true });
    return value;
  };
  await check("PUT /v1/streams/*", "/v1/streams/board", { kind: "state" });
  await check("PUT /v1/streams/*", "/v1/streams/board", { kind: "state" });
  await check("POST /v1/streams/*", "/v1/streams/scores", { type: "score", home: 2 });
  await check("GET /v1/streams/*", "/v1/streams/scores");
  await check("GET /v1/streams/*", "/v1/streams/scores?after=aaaaaaaa.7");
  await check("POST /v1/signals/*", "/v1/signals/scores", { kind: "typing" });
  await check("POST /v1/presence/*", "/v1/presence/scores", { data: { name: "Ada" } });
  await check("GET /v1/presence/*", "/v1/presence/scores");
  const { run = "" } = await check("POST /v1/runs", "/v1/runs", { prompt: "Say hello" });
  await expect
    .poll(async () => ((await (await app.ask(`/v1/runs/${run}`)).json()) as { status: string }).status)
    .toBe("ended");
  await check("GET /v1/runs/:run", `/v1/runs/${run}`);
  await check("POST /v1/runs/:run/stop", `/v1/runs/${run}/stop`, {});
  const { chat = "" } = await check("POST /v1/chats", "/v1/chats", {});
  await check("POST /v1/chats/:chat/messages", `/v1/chats/${chat}/messages`, { text: "Rayleigh" });
  await check("POST /v1/chats/:chat/stop", `/v1/chats/${chat}/stop`, {});
  await check("POST /v1/chats/:chat/stop", `/v1/chats/${chat}/stop`, { key: "not-yet" });
  await check("POST /v1/chats/:chat/regenerate", `/v1/chats/${chat}/regenerate`, {});
  await check("GET /v1/chats/:chat", `/v1/chats/${chat}`);
  await check("GET /v1/chats", "/v1/chats");
  await check("GET /v1/chats", "/v1/chats?q=Rayleigh");
  await check("PATCH /v1/chats/:chat", `/v1/chats/${chat}`, { title: "Sky" });
  await check("DELETE /v1/chats/:chat", `/v1/chats/${chat}`);
  await check("GET /v1/models", "/v1/models");
  await check("GET /v1/models/:id{.+}", "/v1/models/guide");
  await check("POST /v1/chat/completions", "/v1/chat/completions", {
    messages: [{ role: "user", content: "Hi" }],
  });
  await check("GET /healthz", "/healthz");
  await check("GET /readyz", "/readyz");
  await check("GET /openapi.json", "/openapi.json");
  await check("DELETE /v1/streams/*", "/v1/streams/scores");
  expect(new Set(checked).size).toBeGreaterThan(22);

  const refusal: unknown = await (await app.ask("/v1/streams/nothing")).json();
  expect(errorSchema.safeParse(refusal)).toMatchObject({ success: true });
});

test("an example of each body passes its schema", () => {
  const wrong = Object.entries(OPERATIONS)
    .filter(([, { body, example }]) => body !== undefined && !body.safeParse(example).success)
    .map(([route]) => route);
  expect(wrong).toEqual([]);
});

test("the page names every operation, refusal and member, runs nothing and fetches only its style", async () => {
  await using app = await startApp();
  const answer = await app.ask("/docs");
  const html = await answer.text();
  expect(answer.headers.get("content-security-policy")).toBe(
    "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  );
  for (const { summary, errors = [] } of Object.values(OPERATIONS)) {
    expect(html).toContain(summary);
    for (const code of errors) {
      expect(html).toContain(`<code>${code}</code>`);
      expect(html).toContain(`<span class="status">${ERRORS[code].status}</span>`);
    }
  }
  expect(html).toContain("retention.<wbr>maxEvents");
  expect(html).not.toMatch(/<script|<style|style=|https?:\/\/(?!localhost)/);
  const style = await app.ask("/docs/api.css");
  expect(style.headers.get("content-type")).toBe("text/css; charset=utf-8");
});

test("a host that is not ours gets no page, so nothing of it can stand in one", async () => {
  await using app = await startApp();
  const answer = await app.ask("/docs", { headers: { host: '"><script>alert(1)</script>' } });
  expect(answer.status).toBe(421);
});

test("its page has the colours and letters of the other pages", async () => {
  await using app = await startApp();
  const style = await (await app.ask("/docs/api.css")).text();
  const theme = await readFile(new URL("../../web/theme.css", import.meta.url), "utf8");
  const own = tokens(style);
  expect(own.size).toBeGreaterThan(5);
  expect([...own]).toEqual([...own.keys()].map((name) => [name, tokens(theme).get(name)]));
});

/** What a style sheet calls its colours and letters. */
function tokens(css: string): Map<string, string | undefined> {
  const root = css.slice(css.indexOf(":root {"), css.indexOf("}"));
  return new Map([...root.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map(([, name = "", value]) => [name, value]));
}
