import { describe, expect, it } from "vitest";
import { NO_ANSWER, QUIET_CUT_MS, isRunning, reduce } from "../../web/answer.ts";
import type { Answer, AnswerEvent } from "../../web/answer.ts";
import type { Frame } from "../../web/frame.ts";
import { describe as say, describeFigures, nextChange } from "../../web/words.ts";

const EPOCH = "k3j9x0q2";

function frame(frame: Frame, offset: number, at = 0): AnswerEvent {
  return { type: "frame", frame, id: `${EPOCH}.${offset}`, at };
}

const start = (offset = 0, at = 0): AnswerEvent =>
  frame({ type: "stream-start", run: "r1", from: `${EPOCH}.${offset}` }, offset, at);
const token = (offset: number, text = "a"): AnswerEvent => frame({ type: "text", text }, offset);
const caughtUp = (offset: number, at: number): AnswerEvent => frame({ type: "stream-caught-up" }, offset, at);
const cut = (at: number): AnswerEvent => ({ type: "cut", at });
const end = (
  reason: "stop" | "length" | "cancelled" | "interrupted" | "error",
  message?: string,
): AnswerEvent =>
  frame(message === undefined ? { type: "end", reason } : { type: "end", reason, message }, 99);

/** The state after these events, and the text that it gathered. */
function run(events: AnswerEvent[], from: Answer = NO_ANSWER): { answer: Answer; text: string } {
  let answer = from;
  let text = "";
  for (const event of events) {
    const next = reduce(answer, event);
    if (next.edition !== answer.edition) text = "";
    if (next !== answer) text += next.added.text;
    answer = next;
  }
  return { answer, text };
}

describe("the answer", () => {
  it("waits, writes and ends", () => {
    const asked = run([{ type: "asked" }]);
    expect(asked.answer).toMatchObject({ phase: "waiting", link: "opening" });
    expect(isRunning(asked.answer)).toBe(true);
    const writing = run([start(), token(2, "Hel"), token(3, "lo")], asked.answer);
    expect(writing.text).toBe("Hello");
    expect(writing.answer).toMatchObject({
      phase: "writing",
      link: "open",
      run: "r1",
      start: `${EPOCH}.0`,
      cursor: `${EPOCH}.3`,
      tokens: 2,
    });
    const ended = run([end("stop")], writing.answer);
    expect(ended.answer).toMatchObject({ phase: "ended", link: "none", end: { reason: "stop" } });
    expect(isRunning(ended.answer)).toBe(false);
  });

  it("passes over text that comes again", () => {
    const { answer, text } = run([
      { type: "asked" },
      start(),
      token(2, "a"),
      token(3, "b"),
      start(2),
      token(3, "b"),
    ]);
    expect(text).toBe("ab");
    expect(answer.tokens).toBe(2);
  });

  it("counts the tokens of a merged text by its offset, or by the span it names", () => {
    expect(run([{ type: "asked" }, start(), token(41, "forty")]).answer.tokens).toBe(40);
    const spanned = frame({ type: "text", text: "ten", span: 10 }, 60);
    expect(run([{ type: "asked" }, start(), token(41), spanned]).answer.tokens).toBe(50);
  });

  it("drops the text on a reset and takes it anew", () => {
    const { answer, text } = run([
      { type: "asked" },
      start(),
      token(5, "old"),
      frame({ type: "stream-reset" }, 5),
      token(2, "new"),
    ]);
    expect(text).toBe("new");
    expect(answer.tokens).toBe(1);
  });

  it("keeps the cursor before the first event through every return", () => {
    expect(run([{ type: "asked" }, start(0), token(9), cut(0), start(9)]).answer.start).toBe(`${EPOCH}.0`);
  });

  it("hears nothing more after its end", () => {
    const { answer } = run([{ type: "asked" }, start(), end("stop")]);
    expect(run([token(100), cut(1), { type: "stop-wished" }], answer).answer).toBe(answer);
  });

  it("takes the end that was first", () => {
    expect(run([{ type: "asked" }, start(), end("cancelled"), end("stop")]).answer.end?.reason).toBe(
      "cancelled",
    );
  });
});

describe("the status line", () => {
  const writing = run([{ type: "asked" }, start(), token(2), token(3)]).answer;

  it("says nothing of a short cut", () => {
    const short = run([cut(1000)], writing).answer;
    expect(say(short, 1000 + QUIET_CUT_MS - 1).text).toBe("Answering. Esc stops.");
    expect(nextChange(short, 1000)).toBe(QUIET_CUT_MS);
    const back = run([start(3, 2900), token(4), caughtUp(4, 2900)], short).answer;
    expect(say(back, 2900).text).toBe("Answering. Esc stops.");
  });

  it("says that it reconnects, then what was caught up, then goes quiet", () => {
    const long = run([cut(1000), cut(3000)], writing).answer;
    expect(say(long, 1000 + QUIET_CUT_MS)).toEqual({
      text: "Reconnecting. The answer keeps being written.",
      tone: "wait",
    });
    const back = run([start(3, 9000), token(217), caughtUp(217, 9000)], long).answer;
    expect(say(back, 9000).text).toBe("Back: 214 tokens caught up.");
    expect(nextChange(back, 9000)).toBe(3000);
    expect(say(back, 12_000).text).toBe("Answering. Esc stops.");
    expect(nextChange(back, 12_000)).toBeUndefined();
  });

  it("says Stopping at once, before the run is known", () => {
    const early = run([{ type: "asked" }, { type: "stop-wished" }]).answer;
    expect(say(early, 0).text).toBe("Stopping.");
    expect(say(run([start(), end("cancelled")], early).answer, 0).text).toBe(
      "Stopped before the first token.",
    );
  });

  it("says when a stop did not get through", () => {
    const failed = run([{ type: "stop-wished" }, { type: "stop-failed" }], writing).answer;
    expect(say(failed, 0).tone).toBe("bad");
  });

  it.each([
    ["stop", "Answer complete."],
    ["length", "Ended at the length limit. 2 tokens kept."],
    ["cancelled", "Stopped. 2 tokens kept."],
    ["interrupted", "Interrupted: the server was restarted. 2 tokens kept."],
  ] as const)("has words for the end %s", (reason, words) => {
    expect(say(run([end(reason)], writing).answer, 0).text).toBe(words);
  });

  it("shows the message of an error", () => {
    const failed = run([end("error", "The model is not there.")], writing).answer;
    expect(say(failed, 0)).toEqual({ text: "The model is not there. 2 tokens kept.", tone: "bad" });
  });

  it("says when the server has the answer no more, and when it refused", () => {
    const asked = run([{ type: "asked" }]).answer;
    expect(say(run([{ type: "gone" }], asked).answer, 0).text).toBe(
      "The server no longer keeps this answer.",
    );
    expect(say(run([{ type: "refused", message: "Too long." }], asked).answer, 0).text).toBe("Too long.");
  });
});

const figures = (answer: Answer) => describeFigures(answer).replaceAll("\u00a0", " ");

describe("the figures", () => {
  it("shows what was measured and nothing else", () => {
    const measured: Frame = {
      type: "end",
      reason: "stop",
      outputTokens: 1204,
      tokensPerSecond: 84.2,
      firstTokenMs: 212,
    };
    const { answer } = run([{ type: "asked" }, start(), token(2), frame(measured, 9)]);
    expect(figures(answer)).toBe("1,204 tokens · 84/s · first after 212 ms");
    expect(figures(run([{ type: "asked" }, start(), token(2), end("stop")]).answer)).toBe("1 token");
    expect(describeFigures(run([{ type: "asked" }, start(), end("stop")]).answer)).toBe("");
  });
});
