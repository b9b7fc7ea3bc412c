import type { RequestListener } from "node:http";
import compression from "compression";
import express from "express";
import { describe, expect, it } from "vitest";
import { examine, unknownId } from "../../src/cli/doctor/examine.ts";
import type { ExamineOptions, Observations } from "../../src/cli/doctor/examine.ts";
import { CHECKS } from "../../src/cli/doctor/finding.ts";
import type { Check, Finding } from "../../src/cli/doctor/finding.ts";
import { findAll } from "../../src/cli/doctor/findings.ts";
import { NoAnswer } from "../../src/cli/doctor/listening.ts";
import { reportFindings } from "../../src/cli/doctor/report.ts";
import { startApp } from "../support/app.ts";
import { startNginx } from "../support/nginx.ts";
import { serve, startBetterSse, startFastifySse, startHonoSse } from "../support/sse-servers.ts";
import { freePort } from "../support/server-process.ts";

/** What comes at all comes within these, on a machine that is busy, too. How long a silence may be, is said where it is looked at. */
const LIMITS = { silenceMs: 60_000, firstByteMs: 20_000, deliveryMs: 20_000 };
/** Where nothing is missing it costs nothing to wait for it. */
const PATIENT = { waitMs: 20_000 };
const BODY = '{"type":"doctor","mark":"{mark}"}';

interface Diagnosis {
  findings: Finding[];
  seen: Observations;
  /** The checks with a finding of this level. */
  of: (level: Finding["level"]) => Check[];
}

/** Examines in less time than the command takes; `waitMs` is spent where something is missing. */
async function diagnose(
  url: string,
  options: Partial<ExamineOptions> = {},
  limits = LIMITS,
): Promise<Diagnosis> {
  const seen = await examine({ url, timeoutMs: 500, waitMs: 4_000, ...options });
  const findings = findAll(seen, limits);
  const of = (level: Finding["level"]) =>
    findings.filter((finding) => finding.level === level).map(({ check }) => check);
  return { findings, seen, of };
}

describe.concurrent("Millrace", () => {
  it.each(["itself", "a default nginx in between"])(
    "has nothing wrong and nothing to mind: %s",
    async (through) => {
      await using app = await startApp({ hub: { heartbeatMs: 500 } });
      const url = await app.server.listen(0);
      await using nginx = await startNginx(url);
      const stream = `${through === "itself" ? url : nginx.url}/v1/streams/doctor`;
      const options = { publish: { url: stream, body: BODY }, timeoutMs: 6_500, ...PATIENT };
      const { findings, of } = await diagnose(stream, options, { ...LIMITS, silenceMs: 6_000 });
      expect({ wrong: of("wrong"), mind: of("mind"), untested: of("untested") }).toEqual({
        wrong: [],
        mind: [],
        untested: ["end"],
      });
      expect(findings.map(({ check }) => check)).toEqual(CHECKS);
      expect(reportFindings(stream, findings)).toMatch(/^Nothing is wrong\. Not tested: 1\.$/m);
    },
  );

  it("has nothing wrong where a stream has ended, or holds what it held before", async () => {
    await using app = await startApp();
    const url = await app.server.listen(0);
    await app.send("POST", "/v1/streams/done?close=true", [{ n: 1 }, { n: 2 }, { n: 3 }]);
    const { of, findings } = await diagnose(`${url}/v1/streams/done`, PATIENT);
    expect({ wrong: of("wrong"), mind: of("mind") }).toEqual({ wrong: [], mind: [] });
    expect(of("fine")).toEqual(expect.arrayContaining(["end", "ids", "resume", "gap honesty", "retry"]));
    expect(findings.find(({ check }) => check === "end")?.says).toContain("204");
  });

  it("starts one run, however often the doctor asks", async () => {
    await using app = await startApp();
    const url = await app.server.listen(0);
    const { of } = await diagnose(`${url}/stream?prompt=How+are+you%3F`, PATIENT);
    expect({ wrong: of("wrong"), mind: of("mind") }).toEqual({ wrong: [], mind: [] });
    expect(app.told.calls).toHaveLength(1);
  });

  it("lets an allowed origin's pages read, and others not", async () => {
    await using app = await startApp({ allowedOrigins: ["https://app.example"] });
    const url = `${await app.server.listen(0)}/v1/streams/a`;
    const wrongFor = async (origin: string) => (await diagnose(url, { ...PATIENT, origin })).of("wrong");
    expect(await wrongFor("https://app.example")).toEqual([]);
    expect(await wrongFor("https://other.example")).toEqual(["CORS"]);
  });
});

describe.concurrent("others", () => {
  it("better-sse: nobody comes back to a place, and all come back at once", async () => {
    await using server = await startBetterSse({ keepAliveMs: 500 });
    const say = { url: `${server.url}/say`, body: BODY };
    const { of, findings } = await diagnose(`${server.url}/events`, { publish: say });
    expect(of("wrong")).toEqual(["resume", "gap honesty"]);
    expect(of("mind")).toEqual(["retry", "HEAD"]);
    expect(findings.find(({ check }) => check === "resume")?.sure).toBe("certain");
    expect(of("fine")).toEqual(expect.arrayContaining(["headers", "first byte", "buffering", "ids"]));
  });

  it("hono: the head waits for the first event, nothing breaks the silence, nobody comes back", async () => {
    await using server = await startHonoSse();
    const say = { url: `${server.url}/say`, body: BODY };
    const options = { publish: say, timeoutMs: 3_500 };
    const limits = { ...LIMITS, silenceMs: 3_000 };
    const { of, findings } = await diagnose(`${server.url}/events`, options, limits);
    expect(of("wrong")).toEqual(
      ["heartbeat", "resume", "gap honesty"].toSpliced(0, 0, ...firstByte(findings)),
    );
    expect(of("mind")).toEqual(["headers", "headers", "retry"]);
    const mends = findings.flatMap(({ mend = [] }) => mend.map(({ line }) => line));
    expect(mends).toContain('response.setHeader("X-Accel-Buffering", "no")');
  });

  it("hono behind a default nginx: the head itself waits for an event", async () => {
    await using server = await startHonoSse();
    await using nginx = await startNginx(server.url);
    const say = { url: `${nginx.url}/say`, body: BODY };
    const options = { publish: say, waitMs: 400 };
    const { findings } = await diagnose(`${nginx.url}/events`, options, { ...LIMITS, firstByteMs: 500 });
    const first = findings.find(({ check }) => check === "first byte");
    expect(first).toMatchObject({ level: "wrong", sure: "certain" });
    expect(first?.mend?.map(({ where }) => where)).toEqual(["code", "nginx"]);
  });

  it("@fastify/sse: nobody comes back, and a CR or an LF in an event's name forges events", async () => {
    await using server = await startFastifySse({ heartbeatMs: 500 });
    const say = { url: `${server.url}/say`, body: '{"event":"{mark}","text":"x"}' };
    const { of, findings } = await diagnose(`${server.url}/events`, { publish: say });
    expect(of("wrong")).toEqual(["resume", "gap honesty", "fields"]);
    expect(of("mind")).toEqual(["headers", "retry", "HEAD"]);
    expect(findings.find(({ check }) => check === "fields")?.says).toContain("a CR in what is published");
  });

  it("what tutorials write, behind a default nginx: events are held back until kilobytes have come", async () => {
    const readers = new Set<(text: string) => void>();
    await using server = await serve((request, response) => {
      if (request.method === "POST") {
        request.setEncoding("utf8").on("data", (text: string) => {
          for (const tell of readers) tell(`data: ${text}\n\n`);
        });
        request.on("end", () => response.end());
        return;
      }
      response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
      const tell = (text: string) => response.write(text);
      readers.add(tell);
      response.on("close", () => readers.delete(tell));
    });
    await using nginx = await startNginx(server.url);
    const say = { url: `${nginx.url}/say`, body: BODY };
    const limits = { ...LIMITS, firstByteMs: 1_000, silenceMs: 1_000 };
    const options = { publish: say, waitMs: 500 };
    const { of, findings } = await diagnose(`${nginx.url}/events`, options, limits);
    const held = findings.find(({ check }) => check === "buffering");
    expect(held).toMatchObject({ level: "wrong", sure: "certain" });
    expect(held?.mend).toContainEqual({ where: "nginx", line: "proxy_buffering off;" });
    expect(of("wrong")).toEqual(["first byte", "buffering", "heartbeat", "ids", "resume"]);
    expect(of("mind")).toEqual(["headers", "retry", "HEAD"]);
  });

  it("compression that does not flush holds events back", async () => {
    const app = express();
    const readers = new Set<(text: string) => void>();
    app.use(compression());
    app.get("/events", (_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
      response.flushHeaders();
      readers.add((text) => response.write(text));
    });
    app.post("/say", express.text({ type: "*/*" }), (request, response) => {
      for (const tell of readers) tell(`data: ${String(request.body)}\n\n`);
      response.end();
    });
    await using server = await serve(app as RequestListener);
    const { of, findings } = await diagnose(`${server.url}/events`, {
      publish: { url: `${server.url}/say`, body: BODY },
      waitMs: 500,
    });
    expect(of("wrong")).toEqual(expect.arrayContaining(["buffering", "compression"]));
    expect(findings.find(({ check }) => check === "compression")?.says).toContain("(br)");
  });

  it("a proxy that cuts silent connections is found, and where its limit stands", async () => {
    await using server = await serve((_, response) => {
      response.writeHead(200, { "content-type": "text/event-stream", "x-accel-buffering": "no" });
      response.write("id: 1\ndata: {}\n\n");
    });
    await using nginx = await startNginx(server.url, "proxy_read_timeout 1s;");
    const { findings } = await diagnose(nginx.url, { timeoutMs: 10_000, waitMs: 300 });
    expect(findings.find(({ check }) => check === "idle cut")).toMatchObject({
      level: "wrong",
      sure: "likely",
      says: expect.stringMatching(/^It was cut after \d\.\d s of silence/) as string,
      mend: [
        { where: "code" },
        { where: "nginx", line: expect.stringContaining("proxy_read_timeout") as string },
      ],
    });
  });

  it.each<[string, RequestListener, Check[], Check[]]>([
    ["a 503", (_, response) => response.writeHead(503).end(), ["status"], []],
    [
      "a page of HTML",
      (_, response) => response.writeHead(200, { "content-type": "text/html" }).end("<p>"),
      ["status"],
      [],
    ],
    [
      "an origin that is given back, with cookies",
      (request, response) =>
        response
          .writeHead(200, {
            ...GOOD,
            "access-control-allow-origin": request.headers.origin ?? "*",
            "access-control-allow-credentials": "true",
          })
          .write(EVENTS_SO_FAR),
      ["resume", "gap honesty", "CORS"],
      ["retry"],
    ],
    [
      "an end without a word",
      (_, response) => response.writeHead(200, GOOD).end(EVENTS_SO_FAR),
      ["resume", "gap honesty", "end"],
      ["retry"],
    ],
    [
      "an end that is said, but not to who comes back",
      (_, response) => response.writeHead(200, GOOD).end(`${EVENTS_SO_FAR}data: [DONE]\n\n`),
      ["resume", "gap honesty"],
      ["end", "retry"],
    ],
    [
      "an id that is sent back as it came",
      (request, response) => {
        const id = new URL(request.url ?? "/", "http://localhost").searchParams.get("lastEventId") ?? "0";
        response.writeHead(200, GOOD).write(`id: ${id}\n${EVENTS_SO_FAR}`);
      },
      ["resume", "gap honesty", "fields"],
      ["retry"],
    ],
    [
      "an event called error, a wrong charset, and a retry that is no number",
      (_, response) =>
        response
          .writeHead(200, { ...GOOD, "content-type": "text/event-stream; charset=latin1" })
          .write(`retry: 5s\nevent: error\n${EVENTS_SO_FAR}`),
      ["resume", "gap honesty"],
      ["headers", "retry", "fields"],
    ],
  ])("%s", async (_, handler, wrong, mind) => {
    await using server = await serve((request, response) => {
      if (request.method === "HEAD") response.end();
      else handler(request, response);
    });
    const { of } = await diagnose(server.url, { waitMs: 2_500 });
    expect({ wrong: of("wrong"), mind: of("mind") }).toEqual({ wrong, mind });
  });

  it("nobody there is said as such", async () => {
    const port = await freePort();
    await expect(diagnose(`http://127.0.0.1:${port}/`)).rejects.toThrow(NoAnswer);
    await expect(diagnose(`http://127.0.0.1:${port}/`)).rejects.toThrow("nobody listens there");
  });

  it("a secret header does not follow a redirect to another origin", async () => {
    const asked: (string | undefined)[] = [];
    await using other = await serve((request, response) => {
      asked.push(request.headers.authorization);
      response.writeHead(204).end();
    });
    await using server = await serve((_, response) => {
      response.writeHead(302, { location: `${other.url}/` }).end();
    });
    const { findings } = await diagnose(server.url, { headers: { authorization: "Bearer secret" } });
    expect(asked).toEqual([undefined]);
    expect(findings).toEqual([expect.objectContaining({ check: "status", level: "note" })]);
  });
});

const GOOD = {
  "content-type": "text/event-stream",
  "cache-control": "no-store, no-transform",
  "x-accel-buffering": "no",
};
const EVENTS_SO_FAR = "id: 1\ndata: one\n\nid: 2\ndata: two\n\nid: 3\ndata: three\n\n";

/** Whether the head waited for longer than the limit depends on how busy the machine is. */
function firstByte(findings: readonly Finding[]): Check[] {
  return findings.some(({ check, level }) => check === "first byte" && level === "wrong")
    ? ["first byte"]
    : [];
}

it.each([
  ["17", /^\d{9,}$/],
  ["22oh9havj1.5", /^[a-z0-9]{10}\.5$/],
  ["8e1c0c7e-1", /./],
])("an id that nobody was given looks like %s and is another", (id, form) => {
  expect(unknownId(id)).toMatch(form);
  expect(unknownId(id)).not.toBe(id);
});
