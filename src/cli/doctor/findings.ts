import { isEventStream } from "./examine.ts";
import type { Observations } from "./examine.ts";
import { CHECKS, MENDS } from "./finding.ts";
import type { Finding, Limits, Mend } from "./finding.ts";
import { findDelivery } from "./findings-delivery.ts";
import { findPlace } from "./findings-place.ts";
import { mendFor, proxyOf } from "./proxy.ts";
import type { Heard } from "./listening.ts";

/** Says what follows from what was seen. Pure. */
export function findAll(seen: Observations, limits: Limits): Finding[] {
  const status = findStatus(seen);
  const findings = isEventStream(seen.main)
    ? [
        status,
        ...findHeaders(seen.main),
        ...findDelivery(seen, limits),
        ...findPlace(seen),
        findFields(seen),
        ...findOrigins(seen),
        findHead(seen),
        findVersion(seen),
      ]
    : [status];
  return findings.sort((a, b) => CHECKS.indexOf(a.check) - CHECKS.indexOf(b.check));
}

function findStatus({ main, filler }: Observations): Finding {
  const { status, headers } = main;
  if (status === 0)
    return {
      check: "status",
      level: "wrong",
      sure: filler === undefined ? "likely" : "certain",
      says: `No head came${filler === undefined ? "" : `, not even when ${Math.round(filler.bytes / 1_024)} KB had been published`}: it is held back on its way, or sent with an event that does not come.`,
      mend: [MENDS.firstBytes, MENDS.nginxBuffering, MENDS.caddyFlush, MENDS.cloudflareBuffering],
    };
  const type = headers["content-type"] ?? "no Content-Type";
  if (status === 204)
    return {
      check: "status",
      level: "note",
      says: "204: the stream says that nothing more comes, at which a browser stops. There is nothing to look at.",
    };
  if (status === 401 || status === 403)
    return {
      check: "status",
      level: "wrong",
      sure: "certain",
      says: `${status}: it asks who you are. EventSource cannot send a header and gives up for good.`,
      mend: [{ where: "doctor", line: '--header "Authorization: Bearer …", or --header "Cookie: …"' }],
    };
  if (status !== 200)
    return {
      check: "status",
      level: "wrong",
      sure: "certain",
      says: `${status}: EventSource gives up for good at anything but 200, and is not told why.`,
      mend: [MENDS.overload],
    };
  if (/^text\/event-stream\s*(;|$)/i.test(type)) return { check: "status", level: "fine", says: "200." };
  return {
    check: "status",
    level: "wrong",
    sure: "certain",
    says: `The Content-Type is ${JSON.stringify(type.slice(0, 80))}: a browser takes only text/event-stream.`,
    mend: [MENDS.contentType],
  };
}

function findHeaders(main: Heard): Finding[] {
  const { headers } = main;
  const findings: Finding[] = [];
  const cache = headers["cache-control"] ?? "";
  const charset = /charset="?([\w-]+)/i.exec(headers["content-type"] ?? "")?.[1];
  const mind = (sure: "certain" | "likely" | "possible", says: string, mend: Mend[]) =>
    findings.push({ check: "headers", level: "mind", sure, says, mend });
  if (charset !== undefined && !/^utf-?8$/i.test(charset))
    mind("certain", `It says charset ${charset}; an event stream is always UTF-8.`, [MENDS.contentType]);
  if (!/no-store|no-cache/i.test(cache))
    mind("likely", "Cache-Control lets a cache keep the stream.", [MENDS.noTransform]);
  if (!/no-transform/i.test(cache))
    mind(
      "possible",
      "Cache-Control lacks no-transform: a compressing middleware or proxy may gather events before it sends them.",
      mendFor(main, MENDS.noTransform, MENDS.nginxGzip, MENDS.caddyEncode),
    );
  // nginx keeps this one to itself.
  if (proxyOf(main) !== "nginx" && headers["x-accel-buffering"] !== "no")
    mind(
      "likely",
      "X-Accel-Buffering: no is missing: an nginx with its defaults in front would hold events back.",
      [MENDS.accel, MENDS.nginxBuffering],
    );
  return findings.length > 0
    ? findings
    : [{ check: "headers", level: "fine", says: "Nothing keeps, changes or gathers the stream on its way." }];
}

function findFields({ main, injections, tried }: Observations): Finding {
  if (injections.length > 0)
    return {
      check: "fields",
      level: "wrong",
      sure: "certain",
      says: `${injections.join(" and ")} came out as an event of its own: whoever can write a value can forge events.`,
      mend: [MENDS.fields],
    };
  const clash = main.blocks.find(({ event }) => event === "error" || event === "open")?.event;
  if (clash !== undefined)
    return {
      check: "fields",
      level: "mind",
      sure: "certain",
      says: `An event is called ${clash}, which is what EventSource calls its own: a page cannot tell them apart.`,
      mend: [{ where: "code", line: `event: ${clash === "error" ? "failure" : "ready"}` }],
    };
  if (main.badLines.length > 0)
    return {
      check: "fields",
      level: "mind",
      sure: "certain",
      says: `Some lines say nothing to a browser, such as ${JSON.stringify(main.badLines[0]?.slice(0, 60))}.`,
      mend: [MENDS.fields],
    };
  return {
    check: "fields",
    level: "fine",
    says: `No value came out as a field of its own (tried: ${tried.join(", ")}).`,
  };
}

function findOrigins({ strange, wanted }: Observations): Finding[] {
  const findings: Finding[] = [];
  for (const { origin, heard } of strange) {
    const allowed = heard.headers["access-control-allow-origin"];
    const isWithCookies = heard.headers["access-control-allow-credentials"] === "true";
    if (allowed !== origin && !(allowed === "*" && isWithCookies)) continue;
    findings.push({
      check: "CORS",
      level: isWithCookies && allowed === origin ? "wrong" : "mind",
      sure: "certain",
      says: isWithCookies
        ? `Access-Control-Allow-Origin answers ${origin} with ${allowed} and lets cookies be sent: any site that a visitor opens may read this stream as that visitor.`
        : `Access-Control-Allow-Origin gives back the origin that asked (${origin}): any site may read this stream from within a visitor's network.`,
      mend: [MENDS.cors],
    });
    break;
  }
  if (wanted !== undefined) findings.push(findWanted(wanted));
  return findings.length > 0
    ? findings
    : [{ check: "CORS", level: "fine", says: "Pages of a strange origin may not read it as a visitor." }];
}

function findWanted({ origin, heard, preflight }: NonNullable<Observations["wanted"]>): Finding {
  const allowed = heard.headers["access-control-allow-origin"];
  const mend: Mend[] = [
    {
      where: "code",
      line: `Access-Control-Allow-Origin: ${origin}, and with cookies Access-Control-Allow-Credentials: true`,
    },
  ];
  if (allowed !== origin && allowed !== "*")
    return {
      check: "CORS",
      level: "wrong",
      sure: "certain",
      says: `Pages of ${origin} may not read it.`,
      mend,
    };
  const names = (preflight.headers["access-control-allow-headers"] ?? "").toLowerCase();
  if (!names.includes("last-event-id") && names !== "*")
    return {
      check: "CORS",
      level: "mind",
      sure: "possible",
      says: `A preflight of ${origin} for Last-Event-ID is refused: a browser that asks first (ids above 128 bytes) could not come back.`,
      mend: [
        { where: "code", line: "Access-Control-Allow-Headers: Last-Event-ID, as the answer to OPTIONS" },
      ],
    };
  return { check: "CORS", level: "fine", says: `Pages of ${origin} may read it and come back.` };
}

function findHead({ head }: Observations): Finding {
  return head === undefined
    ? {
        check: "HEAD",
        level: "mind",
        sure: "certain",
        says: "HEAD is not answered: whoever only looks (monitors, link checkers) holds a stream open.",
        mend: [{ where: "code", line: 'if (request.method === "HEAD") return response.end()' }],
      }
    : { check: "HEAD", level: "fine", says: `HEAD is answered with ${head.status}, and starts nothing.` };
}

function findVersion({ main, alpn }: Observations): Finding {
  if (main.httpVersion === "1.0")
    return {
      check: "HTTP version",
      level: "mind",
      sure: "certain",
      says: "HTTP/1.0: the body has no chunks, so that a cut cannot be told from an end.",
      mend: [MENDS.nginxHttp11],
    };
  if (alpn === "h2") return { check: "HTTP version", level: "fine", says: "HTTP/2 is spoken." };
  return {
    check: "HTTP version",
    level: "note",
    says: "HTTP/1.1: a browser opens six connections to an origin, and each tab takes one. Share one among tabs, or let the proxy speak HTTP/2.",
    mend: [MENDS.nginxHttp2],
  };
}
