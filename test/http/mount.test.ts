import { expect, test } from "vitest";
import { checkBasePath, insidePath } from "../../src/http/mount.ts";
import { startApp } from "../support/app.ts";

test.each([
  ["/millrace", "/millrace/v1/runs?x=/millrace", "/v1/runs?x=/millrace"],
  ["/millrace", "/millrace", "/"],
  ["/millrace", "/millrace?a=1", "/?a=1"],
  ["/millrace", "/millraces/v1", "/millraces/v1"],
  ["/millrace", "/v1/runs", "/v1/runs"],
  ["/a/b", "/a/b/docs", "/docs"],
  ["", "/millrace/v1", "/millrace/v1"],
])("under %j, %s is %s inside", (base, path, inside) => {
  expect(insidePath(path, base)).toBe(inside);
});

test.each(["millrace", "/millrace/", "/a b", "/a?b", "//a", "https://app.example"])(
  "refuses %j as a path to be mounted under, with a sentence",
  (path) => {
    expect(() => checkBasePath(path)).toThrow(/^basePath: ".*" is no path to be mounted under\./);
  },
);

test.each([
  ["/millrace", "/millrace/c/abc", "/millrace/assets/"],
  ["/millrace", "/", "/millrace/assets/"],
  // A proxy may have taken a prefix off: the page names its files from where it is.
  ["", "/", "./assets/"],
  ["", "/live", "./assets/"],
  ["", "/c/abc", "../assets/"],
  ["", "/live/support/desk/t1", "../../../assets/"],
])("mounted under %j, the page at %s has its files in %s", async (basePath, path, files) => {
  await using app = await startApp({ basePath, hasPages: true });
  const html = await (await app.ask(path)).text();
  const addresses = [...html.matchAll(/ (?:href|src)="([^"]+)"/g)].map(([, address]) => address);
  expect(addresses.filter((address) => address?.startsWith(files))).not.toEqual([]);
  expect(addresses.filter((address) => address?.startsWith(files.replace("assets/", "")) !== true)).toEqual(
    [],
  );
});

test("a request that was relieved of the path before is answered, too, with its body", async () => {
  await using app = await startApp({ basePath: "/millrace" });
  const whole = await app.send("POST", "/millrace/v1/streams/a", { n: 1 });
  const relieved = await app.send("POST", "/v1/streams/a", { n: 2 });
  expect([whole.status, relieved.status]).toEqual([201, 201]);
  const page = (await (await app.ask("/millrace/v1/streams/a")).json()) as { events: { event: object }[] };
  expect(page.events.map(({ event }) => event)).toEqual([{ n: 1 }, { n: 2 }]);
});
