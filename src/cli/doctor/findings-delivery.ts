import { isContent } from "./examine.ts";
import type { Observations } from "./examine.ts";
import { MENDS } from "./finding.ts";
import type { Finding, Limits, Mend } from "./finding.ts";
import type { Heard } from "./listening.ts";
import { mendFor } from "./proxy.ts";

/** Whether what is sent comes, and when: first byte, buffering, compression, heartbeat, cuts. Pure. */
export function findDelivery(seen: Observations, limits: Limits): Finding[] {
  const { main } = seen;
  return [
    findFirstByte(main, limits),
    findBuffering(seen, limits),
    findCompression(seen, limits),
    findHeartbeat(main, limits),
    findCut(main),
  ];
}

function bufferingMends(main: Heard): Mend[] {
  return mendFor(main, MENDS.nginxBuffering, MENDS.caddyFlush, MENDS.cloudflareBuffering, MENDS.accel);
}

function findFirstByte(main: Heard, { firstByteMs }: Limits): Finding {
  const [first] = main.pieces;
  const cameAt = Math.round(first?.atMs ?? 0);
  if (first !== undefined && cameAt <= firstByteMs)
    return { check: "first byte", level: "fine", says: `The first byte came after ${cameAt} ms.` };
  return {
    check: "first byte",
    level: "wrong",
    sure: "certain",
    says:
      first === undefined
        ? "No byte of the body came: a proxy may hold the head back too, and a page cannot tell that it is connected."
        : main.headMs > firstByteMs
          ? `The head took ${(main.headMs / 1_000).toFixed(1)} s, until an event came: so long a page cannot tell that it is connected.`
          : `The first byte took ${(cameAt / 1_000).toFixed(1)} s: until then a proxy may hold the head back, and a page cannot tell that it is connected.`,
    mend: mendFor(main, MENDS.firstBytes, MENDS.nginxBuffering, MENDS.caddyFlush),
  };
}

function findBuffering(seen: Observations, { deliveryMs }: Limits): Finding {
  const { main, publications, filler } = seen;
  if (publications === undefined) return findGathered(main);
  const refused = publications.find((publication) => publication.status === "refused");
  if (refused !== undefined)
    return {
      check: "buffering",
      level: "untested",
      says: `The publisher was refused (${refused.code === 0 ? "nobody answered" : refused.code}), so no events could be sent apart.`,
      mend: [
        { where: "doctor", line: "--publish <url> --body <json with {mark}>, and --header for its rights" },
      ],
    };
  const arrived = publications.filter((publication) => publication.status === "arrived");
  if (arrived.length < publications.length) {
    const isThrough = filler?.isThrough === true;
    return {
      check: "buffering",
      level: "wrong",
      sure: isThrough ? "certain" : "likely",
      says: isThrough
        ? `Events are held back: one came only after ${Math.round((filler?.bytes ?? 0) / 1_024)} KB more had been published behind it.`
        : "An event was published and never came: it is held back, or goes to other readers than those of this address.",
      mend: bufferingMends(main),
    };
  }
  const slowest = Math.round(Math.max(...arrived.map(({ afterMs }) => afterMs)));
  if (slowest > deliveryMs)
    return {
      check: "buffering",
      level: "mind",
      sure: "likely",
      says: `An event took ${(slowest / 1_000).toFixed(1)} s to come: something on the way gathers.`,
      mend: bufferingMends(main),
    };
  return {
    check: "buffering",
    level: "fine",
    says: `Events that were sent apart arrived apart, at most ${slowest} ms after they were published.`,
  };
}

/** Without a publisher: from when what came by itself came. */
function findGathered({ pieces, blocks, ...main }: Heard): Finding {
  const events = blocks.filter(isContent);
  const first = pieces[0]?.atMs ?? 0;
  const spread = (pieces.at(-1)?.atMs ?? 0) - first;
  if (events.length > 1 && pieces.length > 2 && spread > 100)
    return {
      check: "buffering",
      level: "fine",
      says: `${events.length} events came over ${(spread / 1_000).toFixed(1)} s, apart.`,
    };
  if (events.length > 5 && pieces.length <= 2 && first > 2_000)
    return {
      check: "buffering",
      level: "wrong",
      sure: "likely",
      says: `${events.length} events came at once after ${(first / 1_000).toFixed(1)} s of silence: they were held back.`,
      mend: bufferingMends({ pieces, blocks, ...main }),
    };
  return {
    check: "buffering",
    level: "untested",
    says: "Too few events came by themselves to tell whether they are held back.",
    mend: [{ where: "doctor", line: "--publish <url>: a POST there makes an event come" }],
  };
}

function findCompression({ main, publications = [] }: Observations, { deliveryMs }: Limits): Finding {
  const encoding = main.headers["content-encoding"];
  if (encoding === undefined || encoding === "identity")
    return { check: "compression", level: "fine", says: "Not compressed." };
  const isOnTime =
    publications.length > 0 &&
    publications.every(
      (publication) => publication.status === "arrived" && publication.afterMs <= deliveryMs,
    );
  return {
    check: "compression",
    level: isOnTime ? "mind" : "wrong",
    sure: isOnTime ? "certain" : "likely",
    says: isOnTime
      ? `Compressed (${encoding}), and flushed with each event. Each connection costs a compressor's memory, and what is secret stands next to what others wrote.`
      : `Compressed (${encoding}): without a flush for each event a compressor gathers them.`,
    mend: mendFor(main, MENDS.noTransform, MENDS.nginxGzip, MENDS.caddyEncode),
  };
}

/** The longest time in which no byte came. */
function longestSilence({ pieces, headMs, end }: Heard, heardMs: number): number {
  const times = [headMs, ...pieces.map(({ atMs }) => atMs), end?.atMs ?? heardMs];
  return Math.max(...times.slice(1).map((time, index) => time - (times[index] ?? 0)));
}

function findHeartbeat(main: Heard, { silenceMs }: Limits): Finding {
  const heardMs = main.end?.atMs ?? main.heardMs ?? 0;
  const silence = longestSilence(main, heardMs);
  if (silence > silenceMs)
    return {
      check: "heartbeat",
      level: "wrong",
      sure: "certain",
      says: `Nothing came for ${seconds(silence)} s: proxies cut silent connections after 55 to 100 s, and a page cannot tell silence from death.`,
      mend: mendFor(main, MENDS.heartbeat, MENDS.nginxTimeout, MENDS.cloudflareIdle),
    };
  if (heardMs < silenceMs)
    return {
      check: "heartbeat",
      level: "untested",
      says: `It was listened to for ${seconds(heardMs)} s only.`,
      mend: [{ where: "doctor", line: `--timeout ${Math.ceil(silenceMs / 1_000) + 5}` }],
    };
  const isSeen = main.blocks.some((block) => !isContent(block)) || main.comments === 0;
  return isSeen
    ? { check: "heartbeat", level: "fine", says: `Something came at least every ${seconds(silence)} s.` }
    : {
        check: "heartbeat",
        level: "note",
        says: `Something came at least every ${seconds(silence)} s, as comments: EventSource keeps them from the page, which cannot tell silence from death.`,
        mend: [MENDS.heartbeat],
      };
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(ms < 10_000 ? 1 : 0);
}

/** So much silence before an end is no end that anybody meant. */
const CUT_AFTER_MS = 900;

function findCut(main: Heard): Finding {
  const { end, pieces, headMs } = main;
  if (end === undefined)
    return {
      check: "idle cut",
      level: "fine",
      says: `It was not cut within ${Math.round((main.heardMs ?? 0) / 1_000)} s.`,
    };
  const silence = end.atMs - (pieces.at(-1)?.atMs ?? headMs);
  if (silence < CUT_AFTER_MS && end.isWhole)
    return { check: "idle cut", level: "fine", says: "It ended, right after something had come." };
  return {
    check: "idle cut",
    level: "wrong",
    sure: silence < CUT_AFTER_MS ? "certain" : "likely",
    says:
      silence < CUT_AFTER_MS
        ? "The connection broke in the middle."
        : `It was cut after ${(silence / 1_000).toFixed(1)} s of silence, as a proxy does with a connection that it takes for dead.`,
    mend: mendFor(main, MENDS.heartbeat, MENDS.nginxTimeout, MENDS.cloudflareIdle),
  };
}
