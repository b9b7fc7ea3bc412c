import { afterEach, beforeEach, expect, test } from "vitest";
import { ask } from "../../examples/node-client.ts";
import { gate, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";

let app: TestServer;
beforeEach(async () => {
  app = await startApp();
});
afterEach(() => app[Symbol.asyncDispose]());

test("a program in Node prints the answer piece by piece, says how it ended, and leaves", async () => {
  const url = await app.server.listen(0);
  const { opened: seen, open: see } = gate();
  app.told.answer = async function* () {
    yield { type: "text", text: "Hello" };
    // The rest is written when the first piece has been printed.
    await seen;
    yield { type: "text", text: " there" };
    yield { type: "finish", reason: "length" };
  };
  const pieces: string[] = [];
  const reason = await ask(url, "Hi", (piece) => {
    if (piece !== "") pieces.push(piece);
    if (piece !== "") see();
  });
  expect(pieces).toEqual(["Hello", " there"]);
  expect(reason).toBe("length");
  await expect.poll(() => app.server.readers).toBe(0);
});

test("what the server refuses is an error with its code", async () => {
  const url = await app.server.listen(0);
  await expect(ask(url, "", () => {})).rejects.toMatchObject({ code: "invalid-request" });
});
