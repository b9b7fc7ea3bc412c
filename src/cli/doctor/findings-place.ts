import { isContent, isSame } from "./examine.ts";
import type { Observations } from "./examine.ts";
import { MENDS } from "./finding.ts";
import type { Finding } from "./finding.ts";
import type { Heard } from "./listening.ts";

/** Whether a reader that goes finds its place again: ids, resume, gaps, end, retry. Pure. */
export function findPlace(seen: Observations): Finding[] {
  return [findIds(seen.main), findResume(seen), findGap(seen), findEnd(seen), findRetry(seen)];
}

/** [Fetch] a header's value of more bytes makes a cross-origin request ask first. */
const SAFE_ID_BYTES = 128;

function findIds({ blocks }: Heard): Finding {
  const content = blocks.filter(isContent);
  if (content.length === 0)
    return {
      check: "ids",
      level: "untested",
      says: "No event came.",
      mend: [{ where: "doctor", line: "a stream with some events in it, or --publish <url>" }],
    };
  const without = content.filter(({ id }) => id === undefined || id === "").length;
  if (without === content.length)
    return {
      check: "ids",
      level: "wrong",
      sure: "certain",
      says: "Events have no id: a reader that is cut loses what is said meanwhile, and is not told.",
      mend: [MENDS.ids],
    };
  if (without > 0)
    return {
      check: "ids",
      level: "note",
      says: `${without} of ${content.length} events have no id: a reader comes back to the one before.`,
    };
  const strange = content.find(
    ({ id = "" }) =>
      Buffer.byteLength(id) > SAFE_ID_BYTES || !/^[\x21-\x7e]*$/.test(id) || /["(),:;<>?@[\\\]{}]/.test(id),
  );
  if (strange !== undefined)
    return {
      check: "ids",
      level: "mind",
      sure: "certain",
      says: `The id ${JSON.stringify(strange.id?.slice(0, 60))} is long, or not plain ASCII: from another origin a browser asks first, and servers read it in different ways.`,
      mend: [{ where: "code", line: "ids of letters, digits, dot and dash, at most 128 bytes" }],
    };
  return { check: "ids", level: "fine", says: "Each event has an id." };
}

function findResume({ main, resumed }: Observations): Finding {
  if (resumed === undefined) {
    const content = main.blocks.filter(isContent);
    const hasIds = content.some(({ id }) => id !== undefined);
    if (content.length > 1 && !hasIds)
      return {
        check: "resume",
        level: "wrong",
        sure: "certain",
        says: "Without ids nobody can come back to a place: each reconnection loses or repeats.",
        mend: [MENDS.ids],
      };
    return {
      check: "resume",
      level: "untested",
      says: "Fewer than two events with ids came.",
      mend: [{ where: "doctor", line: "a stream with some events in it, or --publish <url>" }],
    };
  }
  const { heard, seen, missed } = resumed;
  const mend = [MENDS.resume];
  const wrong = (says: string): Finding => ({ check: "resume", level: "wrong", sure: "certain", says, mend });
  if (heard.status !== 200 && heard.status !== 0)
    return wrong(
      `Coming back with the id of an event was answered with ${heard.status}: EventSource gives up for good.`,
    );
  const lost = missed.filter((block) => !heard.blocks.some((one) => isSame(one, block)));
  const doubled = seen.filter(
    (block) => block.id !== undefined && heard.blocks.some((one) => isSame(one, block)),
  );
  if (lost.length > 0)
    return wrong(
      `Last-Event-ID is not honoured: of ${missed.length} events that a reader had missed, ${lost.length} did not come.`,
    );
  if (doubled.length > 0)
    return wrong(`Last-Event-ID is not honoured: ${doubled.length} events that the reader had came again.`);
  const copies = heard.blocks.filter((one) => missed.some((block) => isSame(one, block))).length;
  if (copies > missed.length) return wrong("What was missed came more than once.");
  return {
    check: "resume",
    level: "fine",
    says: `A reader that came back got the ${missed.length} events that it had missed, once each.`,
  };
}

function findGap({ main, lost, resumed }: Observations): Finding {
  if (lost === undefined)
    return { check: "gap honesty", level: "untested", says: "There is no id to be lost." };
  const isTold = lost.blocks.some((block) =>
    /reset|gap|trimmed|expired|lost|unknown|resync|invalid/i.test(
      `${block.event ?? ""} ${isContent(block) ? "" : block.data}`,
    ),
  );
  if (isTold)
    return { check: "gap honesty", level: "fine", says: "A reader whose place is not known is told so." };
  if (lost.status === 204)
    return {
      check: "gap honesty",
      level: "note",
      says: "A reader whose place is not known is told by 204 that nothing more comes.",
    };
  if (lost.status !== 200 && lost.status !== 0)
    return {
      check: "gap honesty",
      level: "mind",
      sure: "certain",
      says: `An id that is not known is answered with ${lost.status}: EventSource gives up for good.`,
      mend: [MENDS.gap],
    };
  const content = main.blocks.filter((block) => isContent(block) && block.id !== undefined);
  const isAllAgain =
    content.length > 0 &&
    content.slice(0, 2).every((block) => lost.blocks.some((one) => isSame(one, block))) &&
    resumed !== undefined &&
    !resumed.heard.blocks.some((one) => resumed.seen.some((block) => isSame(one, block)));
  if (isAllAgain)
    return {
      check: "gap honesty",
      level: "mind",
      sure: "likely",
      says: "To an id that is not known everything comes again, without a word: a reader that adds up counts twice.",
      mend: [MENDS.gap],
    };
  return {
    check: "gap honesty",
    level: "wrong",
    sure: "likely",
    says: "A reader whose id is not known is not told: it goes on as if it had missed nothing.",
    mend: [MENDS.gap],
  };
}

const END = /^(end|done|close|closed|complete|finish|finished|stream-end|message-end|eof)$/i;

function findEnd({ main, again }: Observations): Finding {
  if (main.end === undefined || again === undefined)
    return { check: "end", level: "untested", says: "It did not end while it was listened to." };
  if (again.status === 204)
    return { check: "end", level: "fine", says: "It ends, and who comes back after that is told by 204." };
  const isSaid = main.blocks.some(
    ({ event, data }) =>
      END.test(event ?? "") || data === "[DONE]" || /"type":\s*"(message-end|finish|done|end)"/.test(data),
  );
  return {
    check: "end",
    level: isSaid ? "mind" : "wrong",
    sure: isSaid ? "certain" : "likely",
    says: isSaid
      ? `The end is said, but who comes back gets ${again.status}, not 204: a page that does not close its EventSource asks for ever.`
      : `The connection was closed without a word, and who comes back gets ${again.status}: a browser asks every few seconds for ever, and cannot tell an end from a cut.`,
    mend: [MENDS.end],
  };
}

function findRetry({ main, resumed, lost, again }: Observations): Finding {
  const all = [main, resumed?.heard, lost, again].flatMap((heard) => heard?.retries[0] ?? []);
  const crowd = "after a deploy all of its readers come back in the same moment";
  if (all.length === 0)
    return {
      check: "retry",
      level: "mind",
      sure: "certain",
      says: `It sends no retry: each browser waits as long as its maker chose, and ${crowd}.`,
      mend: [MENDS.retry],
    };
  if (all.length > 1 && new Set(all).size === 1)
    return {
      check: "retry",
      level: "mind",
      sure: "certain",
      says: `It tells every reader to wait ${all[0]} ms: ${crowd}.`,
      mend: [MENDS.retry],
    };
  return { check: "retry", level: "fine", says: `It says when to come back (${all.join(", ")} ms).` };
}
