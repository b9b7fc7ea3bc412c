import { expect, test } from "vitest";
import { ERRORS, StreamError } from "../../src/protocol/error.ts";
import type { ErrorCode } from "../../src/protocol/error.ts";

const codes = Object.keys(ERRORS) as ErrorCode[]; // the table's own keys

test.each(codes)("%s has a status of its kind, and says it on the wire", (code) => {
  const error = new StreamError(code, "It is so. Do this.");
  expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
  expect(error.status).toBeGreaterThanOrEqual(400);
  expect(error.status).toBeLessThan(600);
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    code,
    message: "It is so. Do this.",
    retryable: error.isRetryable,
  });
});

test("a request that is refused for what it is will not succeed later", () => {
  const refused = codes.filter((code) => ERRORS[code].status < 500 && ERRORS[code].status !== 429);
  expect(refused.filter((code) => ERRORS[code].retryable)).toEqual([]);
});

test("what is busy, away or full for now may succeed later", () => {
  const away = codes.filter((code) => [429, 503, 504, 507].includes(ERRORS[code].status));
  expect(away).toContain("log-unavailable");
  expect(away.filter((code) => !ERRORS[code].retryable)).toEqual([]);
});

test("keeps its cause and tells nobody of it", () => {
  const cause = new Error("secret path");
  const error = new StreamError("log-unavailable", "The log did not answer.", { cause });
  expect(error.cause).toBe(cause);
  expect(error).toBeInstanceOf(Error);
  expect(error.name).toBe("StreamError");
  expect(JSON.stringify(error)).not.toContain("secret");
});
