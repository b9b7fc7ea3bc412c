import type { Hono } from "hono";
import { expect, test, vi } from "vitest";
import { OPERATIONS, TAGS } from "../../src/http/openapi/operations.ts";
import { startApp } from "../support/app.ts";

const made = vi.hoisted((): { app?: Hono } => ({}));

// The app as `createServer` wires it, so that no route can be added past this test.
vi.mock(import("../../src/http/app.ts"), async (importOriginal) => {
  const original = await importOriginal();
  return { ...original, createApp: (options) => (made.app = original.createApp(options)) };
});

/** The routes of the app: what answers every method alone is what stands before them. */
async function routes(): Promise<Set<string>> {
  await using _app = await startApp();
  const all = made.app?.routes ?? [];
  return new Set(all.filter(({ method }) => method !== "ALL").map(({ method, path }) => `${method} ${path}`));
}

test("each route is documented, and each documented operation is a route", async () => {
  const there = await routes();
  const undocumented = [...there]
    .filter((route) => !(route in OPERATIONS))
    .map(
      (route) =>
        `${route} is in no table of src/http/openapi. Add it to one, with its summary, the schema of its body, its answers and its errors, so that /openapi.json and /docs tell of it.`,
    );
  const gone = Object.keys(OPERATIONS)
    .filter((route) => !there.has(route))
    .map((route) => `${route} is in a table of src/http/openapi, and is no route any more. Take it out.`);
  expect([...undocumented, ...gone]).toEqual([]);
  expect(there.size).toBeGreaterThan(25);
});

test("each operation has a tag that is shown, a summary in a few words, and an answer", () => {
  const faulty = Object.entries(OPERATIONS)
    .filter(
      ([, { tag, summary, answers }]) =>
        !(tag in TAGS) || !/^[A-Z][^.]{3,60}$/.test(summary) || Object.keys(answers).length === 0,
    )
    .map(([route]) => route);
  expect(faulty).toEqual([]);
});
