import { offsetOf } from "./frame.ts";
import type { EndReason, Frame } from "./frame.ts";

/** How an answer ended: as the stream said, or because the server has it no more or refused the question. */
export interface Ending {
  reason: EndReason | "gone" | "refused";
  message?: string;
  firstTokenMs?: number;
  tokensPerSecond?: number;
}

/** Everything that the page knows of the one answer it shows, but for the text, which only ever grows elsewhere. */
export interface Answer {
  phase: "idle" | "waiting" | "reasoning" | "writing" | "ended";
  /** `opening` until the first block, `cut` while the browser or the page tries to come back. */
  link: "none" | "opening" | "open" | "cut";
  cutAt?: number;
  /** Tokens counted when the connection was cut, while what was missed is being read. */
  tokensAtCut?: number;
  /** What the last return brought, when the cut was long enough to be told. */
  back?: { tokens: number; at: number };
  stop: "none" | "wished" | "failed";
  run?: string;
  /** The cursor before the first event: with it the answer can be read anew and never be started anew. */
  start?: string;
  /** The last id that was seen; a new connection goes on after it. */
  cursor?: string;
  /** The offset up to which text was applied: what comes again at or below it is passed over. */
  offset: number;
  tokens: number;
  /** Rises when the text so far is to be dropped. */
  edition: number;
  /** What the last event added. Kept apart from the whole so that a token costs the same at any length. */
  added: { text: string; reasoning: string };
  end?: Ending;
}

export type AnswerEvent =
  | { type: "asked" }
  | { type: "frame"; frame: Frame; id: string; at: number }
  | { type: "cut"; at: number }
  | { type: "stop-wished" }
  | { type: "stop-failed" }
  | { type: "gone" }
  | { type: "refused"; message: string };

/** A cut shorter than this is shown by the dot alone. The stream asks for 2 s before a browser returns: its own
 *  silent return has to fit in. */
export const QUIET_CUT_MS = 2500;

const NOTHING = { text: "", reasoning: "" };

export const NO_ANSWER: Answer = {
  phase: "idle",
  link: "none",
  stop: "none",
  offset: 0,
  tokens: 0,
  edition: 0,
  added: NOTHING,
};

/** Whether an answer is under way: it can be stopped, and another question has to wait. */
export function isRunning(answer: Answer): boolean {
  return answer.phase !== "idle" && answer.phase !== "ended";
}

/** The answer after one more event. Applying a text twice changes nothing. */
export function reduce(answer: Answer, event: AnswerEvent): Answer {
  const before = answer.added === NOTHING ? answer : { ...answer, added: NOTHING };
  if (event.type === "asked") {
    return { ...NO_ANSWER, phase: "waiting", link: "opening", edition: before.edition + 1 };
  }
  if (!isRunning(before)) return before;
  switch (event.type) {
    case "frame":
      return applyFrame(event.id === "" ? before : { ...before, cursor: event.id }, event);
    case "cut": {
      if (before.link === "cut") return before;
      const { back: _, ...rest } = before;
      return { ...rest, link: "cut", cutAt: event.at, tokensAtCut: before.tokensAtCut ?? before.tokens };
    }
    case "stop-wished":
      return { ...before, stop: "wished" };
    case "stop-failed":
      return { ...before, stop: "failed" };
    case "gone":
      return finish(before, { reason: "gone" });
    case "refused":
      return finish(before, { reason: "refused", message: event.message });
  }
}

function applyFrame(answer: Answer, { frame, id, at }: { frame: Frame; id: string; at: number }): Answer {
  switch (frame.type) {
    case "stream-start":
      return { ...answer, link: "open", run: frame.run, start: answer.start ?? frame.from };
    case "text":
    case "reasoning":
      return addText(answer, frame, offsetOf(id));
    case "stream-caught-up":
      return returned(answer, at);
    case "stream-reset":
      return {
        ...answer,
        phase: "waiting",
        offset: 0,
        tokens: 0,
        edition: answer.edition + 1,
      };
    case "ping":
      return answer;
    case "end": {
      const { type: _, outputTokens, ...ending } = frame;
      return finish({ ...answer, tokens: outputTokens ?? answer.tokens }, ending);
    }
  }
}

function addText(
  answer: Answer,
  frame: { type: "text" | "reasoning"; text: string; span?: number },
  offset: number | undefined,
): Answer {
  if (offset !== undefined && offset <= answer.offset) return answer;
  // Offset 1 of a run says that it began; each later one is a token, merged or not.
  const span = frame.span ?? (offset === undefined ? 1 : offset - Math.max(answer.offset, 1));
  const isText = frame.type === "text";
  return {
    ...answer,
    phase: isText ? "writing" : answer.phase === "writing" ? "writing" : "reasoning",
    offset: offset ?? answer.offset,
    tokens: answer.tokens + Math.max(span, 1),
    added: isText ? { text: frame.text, reasoning: "" } : { text: "", reasoning: frame.text },
  };
}

function returned(answer: Answer, at: number): Answer {
  const { cutAt, tokensAtCut, back: _, ...rest } = answer;
  if (cutAt === undefined || at - cutAt < QUIET_CUT_MS) return rest;
  return { ...rest, back: { tokens: Math.max(0, answer.tokens - (tokensAtCut ?? 0)), at } };
}

function finish(answer: Answer, end: Ending): Answer {
  const { cutAt: _, tokensAtCut: _tokens, back: _back, ...rest } = answer;
  return { ...rest, phase: "ended", link: "none", end };
}
