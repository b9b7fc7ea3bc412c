import type { AddressInfo } from "node:net";
import { EventSource } from "eventsource";
import { JSDOM } from "jsdom";
import { afterEach, beforeEach, expect, test } from "vitest";
import { serve } from "../../examples/express.ts";
import type { Provider } from "../../src/server.ts";

const rayleigh: Provider = {
  name: "rayleigh",
  models: () => Promise.resolve([{ id: "rayleigh", origin: "test" }]),
  async *generate({ messages }) {
    yield { type: "text", text: `${messages.at(-1)?.text} ` };
    yield { type: "text", text: "Rayleigh scattering." };
    yield { type: "finish", reason: "stop" };
  },
};

let running: Awaited<ReturnType<typeof serve>>;
let url: string;

beforeEach(async () => {
  running = await serve(0, { log: "memory", providers: [rayleigh] });
  // It listens on a port.
  url = `http://127.0.0.1:${(running.server.address() as AddressInfo).port}`;
});
afterEach(() => running.close());

test("Express answers its own routes, Millrace the rest", async () => {
  expect(await (await fetch(`${url}/hello`)).json()).toEqual({ hello: "from Express" });
  const appended = await fetch(`${url}/v1/streams/scores`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"home":2}',
  });
  expect(appended.status).toBe(201);
  const read = (await (await fetch(`${url}/v1/streams/scores`)).json()) as { events: { event: unknown }[] };
  expect(read.events.map(({ event }) => event)).toEqual([{ home: 2 }]);
});

test("the page of the one-line client shows the whole answer and closes its source", async () => {
  const sources: EventSource[] = [];
  class PageSource extends EventSource {
    constructor(path: string) {
      super(new URL(path, url));
      sources.push(this);
    }
  }
  const html = await (await fetch(url)).text();
  const { window } = new JSDOM(html, {
    url,
    runScripts: "dangerously",
    beforeParse: (window) => void Object.assign(window, { EventSource: PageSource }),
  });
  const output = window.document.querySelector("#output");
  await expect.poll(() => sources[0]?.readyState).toBe(EventSource.CLOSED);
  expect(sources).toHaveLength(1);
  expect(output?.textContent).toBe("Why is the sky blue? Rayleigh scattering.");
  window.close();
});
